import type { Logger } from '../../log.js';
import type { ParkedRecord, PendingTotals } from '../../uplink/ports.js';
import type { CommitQueue } from './commit-queue.js';
import type { Connections } from './connections.js';
import type { Environment, Tables } from './environment.js';
import { recordRange, seqOf } from './outbox-keys.js';
import { damageOf, decodeParked, storedBytes } from './record-encoding.js';

export interface ParkedTotals extends PendingTotals {
  /** Removed since start because the parked messages outgrew their limit. */
  readonly dropped: number;
}

export interface ParkedMessages {
  /** A record was parked; its value counts from now on. */
  readonly added: (bytes: number) => void;
  /** Removes the oldest when there are too many; called after a commit that parked something, and once a second. */
  readonly trim: () => void;
  readonly list: (connectionId: string, page: { readonly after: number; readonly limit: number }) => ParkedRecord[];
  readonly totals: () => ParkedTotals;
}

export interface ParkedMessagesOptions {
  readonly environment: Environment;
  readonly queue: CommitQueue;
  readonly connections: Connections;
  readonly logger: Logger;
  readonly maxBytes: number;
  readonly found: PendingTotals;
}

/** Oldest records looked at for each connection in one step. */
const trimStep = 200;
/** One warning for a burst: as long as messages are removed more often than this, no other is logged. */
const burstMs = 60_000;

interface Victim {
  readonly key: Buffer;
  readonly bytes: number;
}

export const createParkedMessages = ({ environment, queue, connections, logger, maxBytes, found }: ParkedMessagesOptions): ParkedMessages => {
  let { messages, bytes } = found;
  let dropped = 0;
  let trimming = false;
  let lastDropAt = -Infinity;

  const oldest = ({ parked }: Tables): Victim[] => {
    const candidates = [...connections.all()].flatMap(({ ordinal }) => [
      ...parked.getRange({ ...recordRange(ordinal, -1), limit: trimStep }).map(({ key, value }) => ({ key, bytes: storedBytes(value) })),
    ]);
    return candidates.sort((one, other) => seqOf(one.key) - seqOf(other.key));
  };

  const victimsOf = (tables: Tables): Victim[] => {
    let excess = bytes - maxBytes;
    const victims: Victim[] = [];
    // Beyond the first page of some connection the order is not known, so no more than one page goes at a time.
    for (const victim of oldest(tables).slice(0, trimStep)) {
      if (excess <= 0) break;
      excess -= victim.bytes;
      victims.push(victim);
    }
    return victims;
  };

  const removed = (victims: readonly Victim[]): void => {
    messages -= victims.length;
    for (const victim of victims) bytes -= victim.bytes;
    dropped += victims.length;
    const at = performance.now();
    if (at - lastDropAt > burstMs) logger.warn({ detail: `limit ${maxBytes} bytes` }, 'oldest parked messages removed');
    lastDropAt = at;
  };

  const trim = (): void => {
    if (trimming || bytes <= maxBytes) return;
    trimming = true;
    let victims: Victim[] = [];
    queue.add({
      kind: 'upkeep',
      prepare: (tables) => (victims = victimsOf(tables)).length > 0,
      write: ({ parked }) => { for (const { key } of victims) void parked.remove(key); },
      done() {
        trimming = false;
        if (victims.length === 0) return;
        removed(victims);
        trim();
      },
      failed() { trimming = false; },
    });
  };

  const list: ParkedMessages['list'] = (connectionId, { after, limit }) => {
    const state = connections.find(connectionId);
    const tables = environment.tables();
    if (state === undefined || tables === undefined) return [];
    const whole = [...tables.parked.getRange({ ...recordRange(state.ordinal, after), limit })].filter(({ value }) => damageOf(value) === undefined);
    return whole.map(({ key, value }) => decodeParked(connectionId, seqOf(key), value));
  };

  return {
    added(size) {
      messages += 1;
      bytes += size;
    },
    trim,
    list,
    totals: () => ({ messages, bytes, dropped }),
  };
};
