import { closeSync, openSync, writeSync } from 'node:fs';

/** Writes over a part of a file. */
export const overwrite = (file: string, position: number, bytes: Buffer): void => {
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, bytes, 0, bytes.length, position);
  closeSync(descriptor);
};

/** Garbage that is the same in every run. */
export const garbage = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, index) => (index * 7_919 + (index >> 3) * 104_729) & 0xff));
