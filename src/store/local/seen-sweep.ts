import type { CommitQueue } from './commit-queue.js';
import type { Tables } from './environment.js';
import { afterLastMinute, minuteOf, minuteStart } from './outbox-keys.js';

/** Removes what is out of the window from one table, a few entries at a time. */
export interface SeenSweep {
  close(): void;
}

/** A table that is swept, and what may go from it. */
export interface Swept {
  readonly table: 'runs' | 'seen';
  /** Entries looked at in one step: about 1 ms, so that a pass never holds up the event loop. */
  readonly step: number;
  /** Whether nothing of the value is inside the window and nobody is writing the key. */
  readonly isExpired: (key: Buffer, value: Buffer) => boolean;
}

export interface SeenSweepOptions {
  readonly queue: CommitQueue;
  readonly windowMs: number;
  readonly now: () => number;
  /** Ms between two passes. */
  readonly sweepMs: number;
  readonly swept: readonly Swept[];
  /** Called after each pass. */
  readonly passed: () => void;
}

const sweepPauseMs = 25;

interface SweepRange extends Swept {
  start: Buffer;
  readonly end: Buffer;
}

/**
 * Where expired entries can be: bucket 0 (no event time), the minutes before the window, and the future (a wrong clock).
 * The buckets of the window itself are left alone: their entries fall out as time goes on.
 */
const sweepRanges = (swept: readonly Swept[], now: number, windowMs: number): SweepRange[] =>
  swept.flatMap((table) => [
    { ...table, start: minuteStart(0), end: minuteStart(1) },
    { ...table, start: minuteStart(1), end: minuteStart(minuteOf(now - windowMs)) },
    { ...table, start: minuteStart(minuteOf(now) + 2), end: afterLastMinute },
  ]);

/** Looks at the next entries; gives the keys of the expired ones and moves the range on. */
const expiredOf = (tables: Tables, ranges: SweepRange[]): Buffer[] => {
  const range = ranges[0];
  if (range === undefined) return [];
  const expired: Buffer[] = [];
  let looked = 0;
  for (const { key, value } of tables[range.table].getRange({ start: range.start, end: range.end, limit: range.step })) {
    looked += 1;
    range.start = Buffer.concat([key, Buffer.alloc(1)]);
    if (range.isExpired(key, value)) expired.push(key);
  }
  if (looked < range.step) ranges.shift();
  return expired;
};

export const startSeenSweep = ({ queue, windowMs, now, sweepMs, swept, passed }: SeenSweepOptions): SeenSweep => {
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const schedule = (step: () => void, ms: number): void => {
    if (!closed) timer = setTimeout(step, ms).unref();
  };

  const step = (ranges: SweepRange[]): void => {
    const table = ranges[0]?.table;
    if (table === undefined) {
      passed();
      startLater();
      return;
    }
    let expired: Buffer[] = [];
    queue.add({
      kind: 'upkeep',
      prepare: (tables) => (expired = expiredOf(tables, ranges)).length > 0,
      write: (tables) => { for (const key of expired) void tables[table].remove(key); },
      done: () => { schedule(() => { step(ranges); }, sweepPauseMs); },
      failed: startLater,
    });
  };

  const startLater = (): void => { schedule(() => { step(sweepRanges(swept, now(), windowMs)); }, sweepMs); };
  startLater();

  return {
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
};
