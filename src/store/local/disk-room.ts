import { statfs } from 'node:fs/promises';

/** Below this nothing new is taken in; what only settles may still be written. */
const leastFreeBytes = 16_000_000;
/** How long an answer of the file system holds by default, ms: 16 MB are not written in less by one writer's small commits. */
const defaultFreshMs = 200;

/** Bytes that may still be written in a folder. */
export type FreeBytes = (path: string) => Promise<number>;

/** The file system's own figure. */
export const freeBytesOf: FreeBytes = async (path) => {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
};

export interface DiskRoom {
  /** Rejects when there is too little room to write: LMDB must not be the one that finds out. */
  assertRoom(): Promise<void>;
  /** What a person needs to know beside LMDB's own words. */
  circumstances(): Promise<string>;
}

export const createDiskRoom = (path: string, freeBytes: FreeBytes = freeBytesOf, freshMs = defaultFreshMs): DiskRoom => {
  let known = Number.POSITIVE_INFINITY;
  let askedAt = Number.NEGATIVE_INFINITY;
  return {
    async assertRoom() {
      if (known < leastFreeBytes || performance.now() - askedAt >= freshMs) {
        askedAt = performance.now();
        known = await freeBytes(path);
      }
      if (known < leastFreeBytes) throw new Error(`the disk is full: less than ${leastFreeBytes / 1_000_000} MB are free`);
    },
    circumstances: () => freeBytes(path).then((bytes) => ` (${bytes} bytes free in the data directory)`, () => ''),
  };
};
