import type { Append } from '../../uplink/ports.js';
import type { CommitQueue } from './commit-queue.js';
import type { Environment, Tables } from './environment.js';
import { afterLastMinute, minuteOf, minuteStart, seenKey } from './outbox-keys.js';

/** The memory of what was seen: durable keys, and those of batches that are being written. */
export interface SeenMessages {
  /** The key of an append, in the form in which it is stored. */
  keyOf(append: Append): Buffer;
  /** Whether a durable entry is inside the window. */
  has(key: Buffer): boolean;
  /** Keys of batches not yet durable, with the promise of the batch. By the key as latin1 text. */
  readonly writing: Map<string, Promise<unknown>>;
  /** The stored value of a key seen now. */
  value(): Buffer;
  close(): void;
}

export interface SeenMessagesOptions {
  readonly environment: Environment;
  readonly queue: CommitQueue;
  readonly windowMs: number;
  readonly now: () => number;
  /** Ms between two passes over what may have expired. */
  readonly sweepMs: number;
}

/** Entries looked at in one step: about 1 ms, so that a pass never holds up the event loop. */
const sweepStep = 500;
const sweepPauseMs = 25;

interface SweepRange {
  start: Buffer;
  readonly end: Buffer;
}

/**
 * Where expired entries can be: bucket 0 (no event time), the minutes before the window, and the future (a wrong clock).
 * The buckets of the window itself are left alone: their entries fall out as time goes on.
 */
const sweepRanges = (now: number, windowMs: number): SweepRange[] => [
  { start: minuteStart(0), end: minuteStart(1) },
  { start: minuteStart(1), end: minuteStart(minuteOf(now - windowMs)) },
  { start: minuteStart(minuteOf(now) + 2), end: afterLastMinute },
];

export const createSeenMessages = ({ environment, queue, windowMs, now, sweepMs }: SeenMessagesOptions): SeenMessages => {
  const writing = new Map<string, Promise<unknown>>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  /** Counted from arrival, not from the event's own time: a network server may deliver late and still repeat. */
  const inWindow = (value: Buffer): boolean => Math.abs(now() - value.readDoubleBE(0)) < windowMs;

  const schedule = (step: () => void, ms: number): void => {
    if (!closed) timer = setTimeout(step, ms).unref();
  };

  /** Looks at the next entries; gives the expired ones and moves the range on. */
  const expiredOf = ({ seen }: Tables, ranges: SweepRange[]): Buffer[] => {
    const range = ranges[0];
    if (range === undefined) return [];
    const expired: Buffer[] = [];
    let looked = 0;
    for (const { key, value } of seen.getRange({ start: range.start, end: range.end, limit: sweepStep })) {
      looked += 1;
      range.start = Buffer.concat([key, Buffer.alloc(1)]);
      if (!inWindow(value) && !writing.has(key.toString('latin1'))) expired.push(key);
    }
    if (looked < sweepStep) ranges.shift();
    return expired;
  };

  const sweep = (ranges: SweepRange[]): void => {
    let expired: Buffer[] = [];
    const again = (): void => { schedule(() => { sweep(ranges); }, sweepPauseMs); };
    if (ranges.length === 0) startLater();
    else
      queue.add({
        kind: 'upkeep',
        prepare: (tables) => (expired = expiredOf(tables, ranges)).length > 0,
        write: ({ seen }) => { for (const key of expired) void seen.remove(key); },
        done: again,
        failed: startLater,
      });
  };

  const startLater = (): void => { schedule(() => { sweep(sweepRanges(now(), windowMs)); }, sweepMs); };
  startLater();

  return {
    writing,
    keyOf: ({ eventTimeMs, dedupKey }) => seenKey(eventTimeMs, dedupKey),
    has(key) {
      const value = environment.tables()?.seen.getBinaryFast(key);
      return value !== undefined && inWindow(value);
    },
    value() {
      const value = Buffer.allocUnsafe(8);
      value.writeDoubleBE(now());
      return value;
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
};
