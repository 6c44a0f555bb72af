import { setBounded } from '../../forget-oldest.js';
import type { Logger } from '../../log.js';
import type { RedisLink } from './redis-link.js';

/** What is written soon: held in memory until Redis took it. Nothing here throws. */
export interface WriteBehind<T> {
  /** Replaces what is held under the key. */
  put(key: string, entry: T): void;
  get(key: string): T | undefined;
  entries(): Iterable<readonly [string, T]>;
  /** Drops what is held. */
  drop(key: string): void;
  /** Writes what is held, while Redis answers. */
  flush(): Promise<void>;
}

export interface WriteBehindOptions<T> {
  readonly link: Pick<RedisLink, 'isUp'>;
  /** Writes some, in the order in which they were put. @throws when they could not be written; then they stay */
  readonly write: (entries: readonly (readonly [string, T])[]) => Promise<void>;
  /** Most that are held; then the oldest is dropped. */
  readonly bound: number;
  readonly logger: Logger;
  /** Said once when something had to be dropped, until all was written. */
  readonly overflow: string;
}

const writtenAtOnce = 200;

/** The first so many of a map. */
export const firstOf = <T>(map: ReadonlyMap<string, T>, count: number): (readonly [string, T])[] => {
  const first: (readonly [string, T])[] = [];
  for (const entry of map) {
    if (first.length === count) break;
    first.push(entry);
  }
  return first;
};

export const createWriteBehind = <T>({ link, write, bound, logger, overflow }: WriteBehindOptions<T>): WriteBehind<T> => {
  const pending = new Map<string, T>();
  let flushing: Promise<void> | undefined;
  let overflowed = false;

  const writeAll = async (): Promise<void> => {
    try {
      while (pending.size > 0) {
        const entries = firstOf(pending, writtenAtOnce);
        await write(entries);
        for (const [key, entry] of entries) if (pending.get(key) === entry) pending.delete(key);
      }
      overflowed = false;
    } catch {
      // They stay, and are written when Redis is back.
    }
  };

  const flush = (): Promise<void> => {
    // Not at once: what is put in the same turn goes together.
    flushing ??= Promise.resolve().then(writeAll).finally(() => { flushing = undefined; });
    return flushing;
  };

  return {
    put(key, entry) {
      if (setBounded(pending, [key, entry], bound) && !overflowed) {
        overflowed = true;
        logger.warn(overflow);
      }
      if (link.isUp()) void flush();
    },
    get: (key) => pending.get(key),
    entries: () => pending,
    drop: (key) => void pending.delete(key),
    flush,
  };
};
