import { setTimeout as rest } from 'node:timers/promises';
import { BridgeError } from '../errors.js';
import type { Logger } from '../log.js';
import type { Lanes } from './lanes.js';
import type { Outbox, OutboxRecord } from './ports.js';
import { createUnreadDevices } from './unread-devices.js';

export interface BacklogOptions {
  readonly connectionId: string;
  readonly outbox: Pick<Outbox, 'read' | 'readSome'>;
  readonly lanes: Lanes;
  /** Something may be ready: asks for a turn. */
  readonly schedule: () => void;
  readonly logger: Logger;
}

/**
 * Keeps the lanes filled from the outbox, one read at a time. A live message goes straight into the lanes while they hold the whole
 * backlog, and also while they do not, if its device has nothing in the part that is still unread: a backlog of others does not hold it up.
 */
export interface Backlog {
  /** Starts a read where the lanes have room for what the outbox holds. */
  top(): void;
  /** Takes what this process appended, in order. */
  appended(records: readonly OutboxRecord[]): void;
  /** The outbox holds, or may hold, what was not appended here. */
  more(): void;
  /** Forgets all up to this position: it is somebody else's now. */
  restart(position: number): void;
  /** Whether the lanes know everything that is in the outbox. */
  readonly whole: boolean;
  stop(): void;
}

/** Pause before the outbox is read again when it could not be read, or did not show yet what was appended, ms. */
const rereadMs = 500;

/** Records read from the outbox at a time. */
const readAhead = { records: 1_024, bytes: 8 * 1024 * 1024 };

/** A look at whose the unread messages are: so many at a time, and a pause between, so that it takes a small part of the process, ms. */
const survey = { records: 512, bytes: 2 * 1024 * 1024, pauseMs: 10 };

/** Live messages that may be in the lanes, or published, before the read that comes to them. */
const mostAhead = 250_000;

export const createBacklog = ({ connectionId, outbox, lanes, schedule, logger }: BacklogOptions): Backlog => {
  let cursor = 0;
  let newest = 0;
  /** The last position that a read brought. */
  let readUpTo = 0;
  /** Told after later ones, and without room so far. */
  let late: OutboxRecord[] = [];
  /** The last position that was told and has to be read. */
  let awaited = 0;
  let whole = false;
  let reading = false;
  let unreadable = false;
  /** Rises when the outbox may hold more than a read under way sees. */
  let changes = 0;
  /** Rises when what a read under way brings is not ours any more. */
  let restarts = 0;
  let pause: NodeJS.Timeout | undefined;
  const unread = createUnreadDevices();
  /** Up to this position what is unread was added to `unread`. */
  let counted = 0;
  let surveying: 'wanted' | 'running' | 'over' = 'wanted';
  /** Positions behind the cursor that are, or were, in the lanes already. They rise. */
  const ahead = new Set<number>();

  const later = (): void => {
    pause ??= setTimeout(() => {
      pause = undefined;
      schedule();
    }, rereadMs);
  };

  const takeIn = (records: readonly OutboxRecord[], seen: number): void => {
    for (const record of records) {
      if (!ahead.has(record.seq)) {
        if (!lanes.add(record)) return;
        if (record.seq <= counted) unread.remove(record.deviceId);
      }
      cursor = record.seq;
      readUpTo = record.seq;
    }
    for (const seq of ahead) {
      if (seq > cursor) break;
      ahead.delete(seq);
    }
    if (records.length > 0 || seen !== changes) return schedule();
    if (cursor < awaited) return later();
    whole = true;
    cursor = Math.max(cursor, newest);
    surveying = 'over';
    ahead.clear();
    unread.begin();
  };

  /** Two batches that become durable together may be told in the other order: no read comes back to what is behind the cursor. */
  const takeLate = (): void => {
    while (late[0] !== undefined && lanes.add(late[0], 'live')) late = late.slice(1);
  };

  /** A live message while something before it is still to be read. */
  const takeLive = (record: OutboxRecord): void => {
    if (!unread.mayHave(record.deviceId) && ahead.size < mostAhead && lanes.add(record, 'live')) return void ahead.add(record.seq);
    awaited = Math.max(awaited, record.seq);
    changes += 1;
    if (!isSurveyed() || record.seq <= counted) return;
    unread.add(record.deviceId);
    counted = record.seq;
  };

  const isSurveyed = (): boolean => surveying === 'over';

  /** One step of the look through what was there at a start; true at its end. */
  const look = async (): Promise<boolean> => {
    const seen = changes;
    counted = Math.max(counted, cursor);
    const records = await outbox.read(connectionId, counted, survey.records, survey.bytes);
    if (isSurveyed()) return true;
    for (const { seq, deviceId } of records) {
      if (seq > cursor) unread.add(deviceId);
      counted = seq;
    }
    return records.length === 0 && seen === changes;
  };

  /** After a start it is not known who has something unread, and nobody asks before a live message comes. As long as that is so, live messages wait for all of it. */
  const lookThrough = async (): Promise<void> => {
    surveying = 'running';
    try {
      while (!(await look())) await rest(survey.pauseMs, undefined, { ref: false });
      if (isSurveyed()) return;
      surveying = 'over';
      unread.complete();
    } catch {
      // The reads of the delivery say why; it is begun again with the next of them.
      surveying = 'wanted';
      counted = 0;
      unread.forget();
    }
  };

  const giveUpLooking = (): void => {
    surveying = 'over';
    unread.forget();
  };

  const readTail = async (): Promise<void> => {
    const [seen, from] = [changes, restarts];
    const records = await outbox.read(connectionId, cursor, readAhead.records, readAhead.bytes);
    if (from === restarts) takeIn(records, seen);
    else schedule();
  };

  const refill = async (wanted: readonly number[]): Promise<void> => {
    const from = restarts;
    try {
      const records = await outbox.readSome(connectionId, wanted);
      if (from === restarts) lanes.refill(records, wanted);
    } catch (error) {
      if (from === restarts) lanes.unread();
      throw error;
    }
    schedule();
  };

  const failed = (error: unknown): void => {
    if (!(error instanceof BridgeError)) throw error;
    if (!unreadable) logger.warn({ connection_id: connectionId, reason: error.reason, detail: error.message }, 'the outbox cannot be read, trying until it can');
    unreadable = true;
    later();
  };

  const read = async (work: Promise<void>): Promise<void> => {
    reading = true;
    try {
      await work;
      unreadable = false;
    } catch (error) {
      failed(error);
    } finally {
      reading = false;
    }
  };

  return {
    top() {
      takeLate();
      if (reading || pause !== undefined) return;
      const wanted = lanes.wanted(readAhead.records);
      if (wanted.length > 0) return void read(refill(wanted));
      if (whole) return;
      if (!lanes.full && lanes.loaded <= readAhead.records * 2) void read(readTail());
      else if (surveying === 'wanted' && changes > 0) void lookThrough();
    },
    appended(records) {
      for (const record of records) {
        newest = Math.max(newest, record.seq);
        if (record.seq <= readUpTo) continue;
        if (record.seq <= cursor) late.push(record);
        else if (whole && lanes.add(record, 'live')) cursor = record.seq;
        else {
          whole = false;
          takeLive(record);
        }
      }
      takeLate();
    },
    more() {
      whole = false;
      giveUpLooking();
      changes += 1;
    },
    restart(position) {
      restarts += 1;
      cursor = position;
      readUpTo = position;
      late = [];
      newest = position;
      awaited = position;
      whole = false;
      ahead.clear();
      giveUpLooking();
    },
    get whole() {
      return whole;
    },
    stop() {
      surveying = 'over';
      clearTimeout(pause);
    },
  };
};
