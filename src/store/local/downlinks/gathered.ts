import { forgetOldest } from '../../../forget-oldest.js';
import type { DownlinkTables, Writer } from './downlink-tables.js';

/** Changes that wait in memory for the disk, by key: a later one of the same key takes the place of the one before. */
export interface Gathered<T> {
  get(key: string): T | undefined;
  has(key: string): boolean;
  set(key: string, entry: T): void;
  /** Takes out those for which it says so. */
  drop(isOver: (entry: T) => boolean): void;
  /** Writes all of them from now on, without pauses. */
  readonly flush: () => void;
}

export interface GatheredOptions<T> {
  readonly writer: Writer;
  /** How long changes are gathered, ms; 0: they are written at once, together with what comes meanwhile. */
  readonly afterMs: number;
  /** Pause between two transactions, ms. */
  readonly pauseMs?: number;
  /** Most changes that wait; beyond, the oldest is dropped. */
  readonly most: number;
  /** This entry is on the disk, and none for its key came after it. */
  readonly written?: (entry: T) => void;
  /** Reads what it needs for these changes, right before their transaction; gives what writes them, or undefined when nothing has to be written. */
  readonly plan: (tables: DownlinkTables, entries: readonly T[]) => ((tables: DownlinkTables) => void) | undefined;
}

/** Changes written in one transaction: about a millisecond of the event loop. */
const stepSize = 500;
/** How long a store that could not be written is left alone, ms. */
const retryMs = 1_000;

/** What cannot be written stays, is tried again, and is logged by the writer. Each round writes what was there when it began, so nothing is written more often than once in `afterMs`. */
export const createGathered = <T>({ writer, afterMs, pauseMs = 0, most, written, plan }: GatheredOptions<T>): Gathered<T> => {
  const waiting = new Map<string, T>();
  let timer: NodeJS.Timeout | undefined;
  /** Changes of this round that are still to be written. */
  let left = 0;
  let committing = false;
  let flushing = false;

  const later = (next: () => void, ms: number): void => {
    timer = setTimeout(() => {
      timer = undefined;
      next();
    }, ms).unref();
  };

  const firstOf = (count: number): [string, T][] => {
    const found: [string, T][] = [];
    for (const entry of waiting) {
      if (found.length >= count) break;
      found.push(entry);
    }
    return found;
  };

  /** One that changed while it was written goes to the end, behind those of this round. */
  const takeOut = (step: readonly [string, T][]): void => {
    for (const [key, entry] of step) {
      const current = waiting.get(key);
      waiting.delete(key);
      if (current === entry) written?.(entry);
      else if (current !== undefined) waiting.set(key, current);
    }
    left = step.length === 0 ? 0 : left - step.length;
  };

  const writeStep = (): void => {
    const step = firstOf(Math.min(left, stepSize));
    let write: ReturnType<typeof plan>;
    committing = true;
    const commit = writer.commit({
      kind: 'upkeep',
      prepare: (tables) => (write = plan(tables, step.map(([, entry]) => entry))) !== undefined,
      write: (tables) => write?.(tables),
      done() {
        committing = false;
        takeOut(step);
        goOn();
      },
      failed() {
        committing = false;
        left = 0;
        if (!flushing) later(writeRound, Math.max(afterMs, retryMs));
      },
    });
    commit.catch(() => undefined);
  };

  const writeRound = (): void => {
    left = waiting.size;
    if (left > 0) writeStep();
  };

  const goOn = (): void => {
    const inRound = left > 0;
    const next = inRound ? writeStep : writeRound;
    const waitMs = flushing ? 0 : inRound ? pauseMs : afterMs;
    if (waiting.size === 0) left = 0;
    else if (waitMs === 0) next();
    else later(next, waitMs);
  };

  return {
    get: (key) => waiting.get(key),
    has: (key) => waiting.has(key),
    set(key, entry) {
      waiting.set(key, entry);
      forgetOldest(waiting, most);
      if (!committing && timer === undefined && !flushing) goOn();
    },
    drop(isOver) {
      for (const [key, entry] of waiting) if (isOver(entry)) waiting.delete(key);
    },
    flush() {
      flushing = true;
      clearTimeout(timer);
      timer = undefined;
      if (!committing) goOn();
    },
  };
};
