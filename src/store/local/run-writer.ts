import type { Tables } from './environment.js';
import { bucketOfRun, extendRun, filledBytes, mostRunBytes, runKey } from './seen-runs.js';
import type { Sequence } from './sequence.js';

/** Puts entries into runs. Small batches lengthen the last run of their bucket, so that there are few runs to read, however small the batches. */
export interface RunWriter {
  /** For a transaction that also carries the sequence: a new run takes a number of it. */
  write(tables: Tables, bucket: number, entries: Uint8Array): void;
  /** Whether the run may yet grow; then it must not be removed. */
  isOpen(key: Buffer): boolean;
  /** To be called when a transaction failed: what was put into open runs is not on disk, and the next entries begin new ones. */
  closeAll(): void;
}

interface OpenRun {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Messages come for few minutes at a time; those of others begin a run of their own. */
const mostOpen = 64;

export const createRunWriter = (sequence: Pick<Sequence, 'take'>): RunWriter => {
  const open = new Map<number, OpenRun>();

  const keepOpen = (bucket: number, run: OpenRun): void => {
    open.delete(bucket);
    for (const [oldest] of open) {
      if (open.size < mostOpen) break;
      open.delete(oldest);
    }
    open.set(bucket, run);
  };

  /** The last run of the bucket if it has room, or a new one. */
  const runFor = (bucket: number): { readonly key: Buffer; readonly value: Buffer | undefined; readonly room: number } => {
    const last = open.get(bucket);
    const room = last === undefined ? 0 : mostRunBytes - filledBytes(last.value);
    return last === undefined || room === 0 ? { key: runKey(bucket, sequence.take()), value: undefined, room: mostRunBytes } : { ...last, room };
  };

  return {
    write({ runs }, bucket, entries) {
      for (let offset = 0; offset < entries.length; ) {
        const { key, value: before, room } = runFor(bucket);
        const value = extendRun(before, entries.subarray(offset, offset + room));
        void runs.put(key, value);
        keepOpen(bucket, { key, value });
        offset += room;
      }
    },
    isOpen: (key) => open.get(bucketOfRun(key))?.key.equals(key) ?? false,
    closeAll() {
      open.clear();
    },
  };
};
