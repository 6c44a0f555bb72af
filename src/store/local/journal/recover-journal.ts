import type { PendingTotals } from '../../../uplink/ports.js';
import type { StoreContents } from '../check-store.js';
import type { Environment, Tables } from '../environment.js';
import { ordinalOf, seqOf } from '../outbox-keys.js';
import { Damage } from '../probe-report.js';
import { storedBytes } from '../record-encoding.js';
import { readFrames, type Frames } from './frames.js';
import { hasJournalFiles, journalFiles, makeJournalFiles, readJournalFile } from './journal-file.js';
import { readMark, writeMark, type Mark } from './mark.js';
import { createOverlay, type Overlay } from './overlay.js';

/** Where the next frame goes. */
export interface JournalPlace {
  readonly epoch: number;
  readonly number: number;
  /** In the file of the epoch, bytes. */
  readonly position: number;
}

export interface RecoveredJournal {
  /** What LMDB does not hold yet. */
  readonly overlay: Overlay;
  readonly place: JournalPlace;
  /** What was found in LMDB, and in the journal. */
  readonly contents: StoreContents;
}

const nothing = Buffer.alloc(0);

const addTo = (totals: Map<number, PendingTotals>, ordinal: number, messages: number, bytes: number): void => {
  const before = totals.get(ordinal) ?? { messages: 0, bytes: 0 };
  totals.set(ordinal, { messages: before.messages + messages, bytes: before.bytes + bytes });
};

const countIn = (overlay: Overlay, { records }: Tables, found: ReadonlyMap<number, PendingTotals>): Map<number, PendingTotals> => {
  const totals = new Map(found);
  const contents = overlay.contents();
  for (const { key, value } of contents.records) addTo(totals, ordinalOf(key), 1, storedBytes(value));
  for (const key of contents.removed) {
    const value = records.getBinary(key);
    if (value !== undefined) addTo(totals, ordinalOf(key), -1, -storedBytes(value));
  }
  return new Map([...totals].filter(([, { messages }]) => messages > 0));
};

const highestSeq = (frames: readonly Frames[]): number =>
  frames.flatMap(({ changes }) => changes).reduce((most, { records }) => records.reduce((highest, { key }) => Math.max(highest, seqOf(key)), most), 0);

/** The last epoch that LMDB holds; `closed` when the files hold nothing beyond it. Files without a mark are from another life of the folder; after a clean stop nobody needs them. */
const openMark = async (folder: string, environment: Environment): Promise<Mark> => {
  const mark = readMark(await environment.ready());
  if (mark?.closed === false) return mark;
  if (mark === undefined || !(await hasJournalFiles(folder))) await makeJournalFiles(folder);
  const epoch = mark?.epoch ?? 0;
  await environment.commit((tables) => { writeMark(tables, { epoch, closed: false }); });
  return { epoch, closed: true };
};

/**
 * Reads what the journal holds beyond LMDB: at most the epoch that was being stored and the next one, which then goes on. Makes the files where they are missing and LMDB holds all.
 * @throws Damage
 */
export const recoverJournal = async (folder: string, environment: Environment, found: StoreContents): Promise<RecoveredJournal> => {
  const { epoch: stored, closed } = await openMark(folder, environment);
  const files = closed ? [] : await Promise.all(journalFiles.map((index) => readJournalFile(folder, index)));
  const framesOf = (epoch: number): Frames => readFrames(files[epoch % journalFiles.length] ?? nothing, epoch);
  const [first, second] = [framesOf(stored + 1), framesOf(stored + 2)];
  if (first.changes.length === 0 && second.changes.length > 0) throw new Damage(`the journal is damaged: it is without epoch ${stored + 1}`);
  const overlay = createOverlay();
  for (const changes of first.changes) overlay.apply(changes);
  if (second.changes.length > 0) overlay.freeze();
  for (const changes of second.changes) overlay.apply(changes);
  const [epoch, last] = second.changes.length > 0 ? [stored + 2, second] : [stored + 1, first];
  return {
    overlay,
    place: { epoch, number: last.changes.length, position: last.end },
    contents: { ...found, pending: countIn(overlay, await environment.ready(), found.pending), lastSeq: Math.max(found.lastSeq, highestSeq([first, second])) },
  };
};
