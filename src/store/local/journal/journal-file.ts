import { constants, write } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../../../durable-file.js';
import { Damage } from '../probe-report.js';
import { pageBytes } from './frames.js';

/** One of the files of the journal: epochs take turns in them. */
export interface JournalFile {
  /** Writes the first bytes of a buffer at a position; resolves when they are durable. */
  write(buffer: Buffer, length: number, position: number): Promise<void>;
  close(): Promise<void>;
}

/** There are two. */
export const journalFiles = [0, 1] as const;

/** Bytes of each file. All their blocks are there from the begin, so that no write needs room. A file of another length is damage. */
export const journalBytes = 480 * pageBytes;

const pathOf = (folder: string, index: number): string => join(folder, `journal-${index}`);

const sizeOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    ({ size }) => size,
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    },
  );

/** Whether both are there as they should be. */
export const hasJournalFiles = async (folder: string): Promise<boolean> => (await Promise.all(journalFiles.map((index) => sizeOf(pathOf(folder, index))))).every((size) => size === journalBytes);

/** Reads a file. @throws Damage when it is not there, or has another length */
export const readJournalFile = async (folder: string, index: number): Promise<Buffer> => {
  const size = await sizeOf(pathOf(folder, index));
  if (size !== journalBytes) throw new Damage(`journal-${index} ${size === undefined ? 'is missing' : `has ${size} bytes instead of ${journalBytes}`}`);
  return readFile(pathOf(folder, index));
};

/** Makes the files, empty. */
export const makeJournalFiles = async (folder: string): Promise<void> => {
  for (const index of journalFiles) {
    const file = await open(pathOf(folder, index), 'w', 0o600);
    await file.writeFile(Buffer.alloc(journalBytes)).then(() => file.sync()).finally(() => file.close());
  }
  await syncFolder(folder);
};

/** Opens one of the files, which is there. */
export const openJournalFile = async (folder: string, index: number): Promise<JournalFile> => {
  // Each write returns when its bytes are on the disk: one call, where write and fdatasync would be two.
  const handle = await open(pathOf(folder, index), constants.O_RDWR | constants.O_DSYNC);
  const { fd } = handle;
  return {
    write: (buffer, length, position) =>
      new Promise((resolve, reject) => {
        write(fd, buffer, 0, length, position, (error, written) => {
          if (error !== null) reject(error);
          else if (written < length) reject(new Error(`the journal took ${written} of ${length} bytes`));
          else resolve();
        });
      }),
    close: () => handle.close(),
  };
};
