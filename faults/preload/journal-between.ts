import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { readFrame } from '../../src/store/local/journal/frames.js';
import { strikeOf, type Kind } from './strike.js';

/** Stands between the daemon and the journal of its outbox, which alone writes to positions of `journal-0` and `journal-1`. */
type Written = (error: NodeJS.ErrnoException | null, written: number, buffer: Buffer) => void;
type Write = (fd: number, buffer: Buffer, offset: number, length: number, position: number, written: Written) => void;

const trueWrite = fs.write as Write;

const isJournal = (fd: number): boolean => /\/outbox\/journal-\d$/.test(fs.readlinkSync(`/proc/self/fd/${fd}`));

const kindsOf = (frame: Buffer): ReadonlySet<Kind> => {
  const changes = readFrame(frame, 0, frame.readUIntBE(4, 6))?.changes;
  const kinds = new Set<Kind>();
  if ((changes?.records.length ?? 0) > 0) kinds.add('append');
  if ((changes?.removed.length ?? 0) > 0) kinds.add('settle');
  return kinds;
};

const write: Write = (fd, buffer, offset, length, position, written) => {
  if (typeof position !== 'number' || !isJournal(fd)) return trueWrite(fd, buffer, offset, length, position, written);
  const strike = strikeOf(kindsOf(buffer));
  strike.begun();
  trueWrite(fd, buffer, offset, length, position, (error, count) => strike.durable(() => written(error, count, buffer)));
  strike.underWay();
};

export const standBetween = (): void => {
  Object.assign(fs, { write });
  syncBuiltinESMExports();
};
