import type { AnyTables } from './environment.js';

/**
 * The one rising number of a store. What is reserved on disk is always above what was given out, so a number is not
 * used again when the last records were deleted before a restart; unused ones of the reserve are skipped.
 */
export interface Sequence {
  take(): number;
  /** Whether the next transaction must carry a new reserve. */
  reserveNeeded(): boolean;
  write(tables: AnyTables): void;
  /** The transaction with `write` is durable. */
  written(): void;
}

const key = Buffer.from('sequence');
const step = 65_536;

/** @param lastSeen The highest number found in the file. */
export const createSequence = ({ meta }: AnyTables, lastSeen: number): Sequence => {
  const stored = meta.getBinary(key);
  let reserved = stored === undefined ? 0 : Number(stored.toString('latin1'));
  let writing = reserved;
  let next = Math.max(reserved, lastSeen) + 1;
  return {
    take: () => next++,
    reserveNeeded: () => next > reserved,
    write(tables) {
      writing = next + step;
      void tables.meta.put(key, Buffer.from(String(writing)));
    },
    written() {
      reserved = Math.max(reserved, writing);
    },
  };
};
