import type { Writable } from 'node:stream';
import { SlotMap } from '../slot-map.js';
import type { OutboxRecord, PublishOutcome } from '../uplink/ports.js';
import { publishFrame } from './publish-frame.js';

export interface InFlightOptions {
  readonly version: 4 | 5;
  readonly stream: Writable;
  /** How long a PUBACK may take, ms. */
  readonly timeoutMs: number;
  readonly settled: (record: OutboxRecord, outcome: PublishOutcome) => void;
  /** Asks the broker for a sign of life: a publish is overdue and nothing else was heard meanwhile. */
  readonly probe: () => void;
  /** Nothing at all was heard for `timeoutMs` while a publish waited, nor after the probe: the connection is dead. */
  readonly silent: () => void;
}

/** The unacknowledged publishes of one session, with packet identifiers of its own (MQTT 5.0, 2.2.1). */
export interface InFlight {
  readonly size: number;
  send(record: OutboxRecord): void;
  acknowledged(packetId: number, reasonCode: number): void;
  /** Any packet came from the broker. */
  heard(): void;
  /** Resolves when nothing is unacknowledged. */
  drained(): Promise<void>;
  /** Ends all of them with one outcome; the session is over. */
  lose(outcome: PublishOutcome): void;
}

interface Waiting {
  readonly record: OutboxRecord;
  readonly sentAt: number;
}

/** PUBACK reason codes (MQTT 5.0, 3.4.2.1). No subscribers (0x10) is a success. */
const outcomeOf = (code: number): PublishOutcome => {
  if (code < 0x80) return { kind: 'acknowledged' };
  if (code === 0x87) return { kind: 'refused', reason: 'publish_forbidden', code };
  if (code === 0x90 || code === 0x99) return { kind: 'refused', reason: 'publish_refused', code };
  return { kind: 'refused', reason: 'publish_throttled', code };
};

const highestPacketId = 65_535;
/** How often overdue publishes are looked for, as a share of the timeout; one timer a session serves them all. */
const checksPerTimeout = 8;

export const createInFlight = ({ version, stream, timeoutMs, settled, probe, silent }: InFlightOptions): InFlight => {
  const waiting = new SlotMap<number, Waiting>();
  let lastId = 0;
  let heardAt = performance.now();
  let probedAt: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let corked = false;
  const empty: (() => void)[] = [];

  const freeId = (): number => {
    do lastId = (lastId % highestPacketId) + 1;
    while (waiting.has(lastId));
    return lastId;
  };

  /** What one turn of the event loop sends leaves in one write. */
  const write = (frame: Buffer): void => {
    if (!corked) {
      corked = true;
      stream.cork();
      process.nextTick(uncork);
    }
    stream.write(frame);
  };

  const uncork = (): void => {
    corked = false;
    stream.uncork();
  };

  /** Called when the last one left. */
  const rest = (): void => {
    clearInterval(timer);
    timer = undefined;
    for (const resolve of empty.splice(0)) resolve();
  };

  /** A throttled publish is not a dead connection: only one that does not answer a ping either is. */
  const answers = (now: number): boolean => {
    if (probedAt === undefined) {
      probedAt = now;
      probe();
    } else if (now - probedAt >= timeoutMs / 4) silent();
    return false;
  };

  /** The map is in the order of sending, so the check ends at the first one that is not overdue. */
  const checkOverdue = (): void => {
    const now = performance.now();
    const overdue: [number, Waiting][] = [];
    for (const entry of waiting) {
      if (now - entry[1].sentAt < timeoutMs) break;
      overdue.push(entry);
    }
    if (overdue.length === 0 || (now - heardAt >= timeoutMs && !answers(now))) return;
    for (const [id, { record }] of overdue) {
      waiting.delete(id);
      settled(record, { kind: 'timeout' });
    }
    if (waiting.size === 0) rest();
  };

  return {
    get size() {
      return waiting.size;
    },
    send(record) {
      const messageId = freeId();
      waiting.set(messageId, { record, sentAt: performance.now() });
      timer ??= setInterval(checkOverdue, Math.max(20, timeoutMs / checksPerTimeout));
      write(publishFrame(record, messageId, version));
    },
    acknowledged(packetId, reasonCode) {
      const found = waiting.get(packetId);
      if (found === undefined) return;
      waiting.delete(packetId);
      settled(found.record, outcomeOf(reasonCode));
      if (waiting.size === 0) rest();
    },
    heard() {
      heardAt = performance.now();
      probedAt = undefined;
    },
    drained: () => (waiting.size === 0 ? Promise.resolve() : new Promise((resolve) => empty.push(resolve))),
    lose(outcome) {
      const lost = [...waiting.values()];
      waiting.clear();
      for (const { record } of lost) settled(record, outcome);
      rest();
    },
  };
};
