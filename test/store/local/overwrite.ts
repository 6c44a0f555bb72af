import { closeSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs';

/** Writes over a part of a file. */
export const overwrite = (file: string, position: number, bytes: Buffer): void => {
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, bytes, 0, bytes.length, position);
  closeSync(descriptor);
};

/** Garbage that is the same in every run. */
export const garbage = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, index) => (index * 7_919 + (index >> 3) * 104_729) & 0xff));

/** Overwrites every place of a text in a file, so that what holds it is no longer what was written. @throws when it is nowhere */
export const flipEvery = (file: string, marker: string): void => {
  const content = readFileSync(file);
  if (!content.includes(marker)) throw new Error('the marker is not in the file');
  for (let found = content.indexOf(marker); found >= 0; found = content.indexOf(marker, found + 1)) overwrite(file, found, Buffer.from('F'));
};

export type Damage = (file: string, size: number) => void;

/** Ways in which a database file is damaged as a whole; each must be found before anything is served from it. */
export const damages: Readonly<Record<string, Damage>> = {
  'cut to nothing': (file) => truncateSync(file, 0),
  'cut in half': (file, size) => truncateSync(file, Math.floor(size / 2)),
  'its head overwritten': (file) => overwrite(file, 0, garbage(16_384)),
  'replaced by text': (file) => writeFileSync(file, 'this is not a database\n'.repeat(10_000)),
};
