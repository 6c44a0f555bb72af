import { statfs } from 'node:fs/promises';

/** Below this nothing new is taken in; what only settles may still be written. */
const leastFreeBytes = 16_000_000;
/** The small stores go on when the backlog took all the room that it may. */
const leastFreeOfSmallStores = 8_000_000;
/** Room within the file counts too, beside this much on the disk: a large record may fit in none of the gaps there. */
const leastBesideReusable = 4_000_000;
/** How long an answer of the file system holds by default, ms. It is asked each time when little more than the least is free. */
const defaultFreshMs = 200;
const littleMore = 4;

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
  /** Rejects when what was taken in already, up to some MB, may not fit. */
  assertSomeRoom(): Promise<void>;
  /** What a person needs to know beside LMDB's own words. */
  circumstances(): Promise<string>;
}

export interface DiskRoomOptions {
  readonly path: string;
  /** Bytes within the file that hold nothing. A file that a backlog made large never shrinks: without them nothing would be taken in again. */
  readonly reusableBytes: () => number;
  /** What beside the backlog is on the same disk. */
  readonly isSmall?: true;
  readonly freeBytes?: FreeBytes | undefined;
  readonly freshMs?: number | undefined;
}

export const createDiskRoom = ({ path, reusableBytes, isSmall, freeBytes = freeBytesOf, freshMs = defaultFreshMs }: DiskRoomOptions): DiskRoom => {
  const least = isSmall === true ? leastFreeOfSmallStores : leastFreeBytes;
  let known = Number.POSITIVE_INFINITY;
  let askedAt = Number.NEGATIVE_INFINITY;
  return {
    async assertRoom() {
      if (known < littleMore * least || performance.now() - askedAt >= freshMs) {
        askedAt = performance.now();
        known = await freeBytes(path);
      }
      if (known >= least || (known >= leastBesideReusable && known + reusableBytes() >= least)) return;
      throw new Error(`the disk is full: less than ${least / 1_000_000} MB are free`);
    },
    async assertSomeRoom() {
      if ((await freeBytes(path)) < leastBesideReusable) throw new Error(`the disk is full: less than ${leastBesideReusable / 1_000_000} MB are free`);
    },
    circumstances: () => freeBytes(path).then((bytes) => ` (${bytes} bytes free in the data directory)`, () => ''),
  };
};
