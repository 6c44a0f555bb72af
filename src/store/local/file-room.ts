import { constants, open, stat } from 'node:fs/promises';

/** What a transaction writes besides its records: what was seen, and the pages above. */
const besideBytes = 524_288;
/** Records put one behind the other leave pages half full. */
const pagesPerFullPage = 2;
const pieceBytes = 65_536;

export interface FileRoomOptions {
  /** The file of an LMDB environment. */
  readonly path: string;
  /** Up to where LMDB uses it. */
  readonly endBytes: () => number;
  /** Bytes before that end that hold nothing. Those which the last transaction freed cannot be used by the next one, so half of them count. */
  readonly reusableBytes: () => number;
}

export interface FileRoom {
  /**
   * To be called before a transaction that puts so many bytes of records, while none runs: makes the file long enough for it.
   * @throws the file system's error when there is no room; LMDB has written nothing then
   */
  ensure(recordBytes: number): Promise<void>;
}

/**
 * Finds a full disk, a quota or a limit on the size of files before LMDB does. What LMDB meets there costs more than a refused transaction: lmdb 3.5.6
 * may end the process (it writes the text of the error into too small a place), and where transactions before took the last free page, even
 * the one that would make room fails, again and again.
 */
export const createFileRoom = ({ path, endBytes, reusableBytes }: FileRoomOptions): FileRoom => ({
  async ensure(recordBytes) {
    const wanted = pagesPerFullPage * recordBytes + besideBytes;
    const { size } = await stat(path);
    let missing = endBytes() + Math.max(0, wanted - reusableBytes() / 2) - size;
    if (missing <= 0) return;
    // At its end wherever that is, so that nothing LMDB wrote is written over; and never a new file.
    const file = await open(path, constants.O_WRONLY | constants.O_APPEND);
    try {
      const zeros = Buffer.alloc(pieceBytes);
      for (; missing > 0; missing -= pieceBytes) await file.appendFile(zeros);
    } finally {
      await file.close();
    }
  },
});
