import type { Shortcut } from '../commit-queue.js';
import type { Environment, Tables } from '../environment.js';
import type { Job } from '../job.js';
import type { RunWriter } from '../run-writer.js';
import type { Sequence } from '../sequence.js';
import { frameBytes, writeFrame, type Changes } from './frames.js';
import { journalBytes, type JournalFile } from './journal-file.js';
import { writeMark, type Mark } from './mark.js';
import type { Overlay } from './overlay.js';
import type { JournalPlace } from './recover-journal.js';
import { removeInSteps } from './remove-in-steps.js';

/**
 * Makes the usual changes durable with one write to a file, where a transaction of LMDB copies pages of several tables and flushes the disk twice.
 * What was written there goes into LMDB a second later, or when a file is nearly full, in one transaction beside the next writes; most records
 * are settled by then and never reach it. Epochs take turns in two files: one is stored while the other is written.
 */
export interface Journal extends Shortcut<Tables> {
  /** LMDB. A transaction takes along all that stands in the journal. */
  readonly environment: Environment;
  /** Stores what can be stored, and closes the files. */
  close(): Promise<void>;
}

export interface JournalOptions {
  readonly environment: Environment;
  readonly files: readonly JournalFile[];
  readonly overlay: Overlay;
  readonly runs: RunWriter;
  readonly sequence: Sequence;
  readonly place: JournalPlace;
  /** Makes room in LMDB's file for so many bytes of records; rejects when there is none. */
  readonly makeRoom: (recordBytes: number) => Promise<void>;
  /** What stands in the journal could not be stored. */
  readonly failed: (cause: unknown) => void;
}

/** Room that is left for what only settles, while the file before cannot be stored. */
const settleBytes = 131_072;
/** What fits besides: a file that is nearly full is stored before a write has to wait for it. */
const storeFromBytes = journalBytes - 262_144;

/** The changes of all jobs; undefined when one has none to give. */
const allOf = (group: readonly Job[], changesOf: (job: Job) => Changes | undefined): Changes[] | undefined => {
  const changes: Changes[] = [];
  for (const job of group) {
    const one = changesOf(job);
    if (one === undefined) return undefined;
    changes.push(one);
  }
  return changes;
};

export const createJournal = ({ environment, files, overlay, runs, sequence, place, makeRoom, failed }: JournalOptions): Journal => {
  let { epoch, number, position } = place;
  let frame = Buffer.alloc(0);
  let storing: Promise<boolean> | undefined;
  /** A write or a transaction is under way, which `tick` must not come between. */
  let busy = false;

  const isStored = (): boolean => position === 0 && !overlay.frozen;

  const beginEpoch = (): void => {
    epoch += 1;
    position = 0;
    number = 0;
  };

  const commitOnce = async (part: 'frozen' | 'all', mark: Mark, write?: (tables: Tables) => void): Promise<void> => {
    let reserves = false;
    const added = overlay.adds(part);
    if (added > 0) await makeRoom(added);
    try {
      await environment.commit((tables) => {
        overlay.write(tables, runs, part);
        writeMark(tables, mark);
        write?.(tables);
        reserves = sequence.reserveNeeded();
        if (reserves) sequence.write(tables);
      });
    } catch (cause) {
      runs.closeAll();
      throw cause;
    }
    if (reserves) sequence.written();
    overlay.stored(part);
  };

  /** Where all that was settled does not fit into one transaction, it leaves in small ones, and there is room for the rest. */
  const commit: typeof commitOnce = async (...how) => {
    try {
      await commitOnce(...how);
    } catch (cause) {
      const { removed } = overlay.contents();
      if (removed.length === 0) throw cause;
      await removeInSteps(environment, removed);
      await commitOnce(...how);
    }
  };

  /** Stores the epoch, or the one before when that failed, beside the writes of the next one. */
  const store = (): void => {
    if (!overlay.frozen) {
      overlay.freeze();
      beginEpoch();
    }
    const last = epoch - 1;
    const attempt = async (): Promise<boolean> => {
      try {
        await environment.ready();
        await commit('frozen', { epoch: last, closed: false });
        return true;
      } catch (cause) {
        failed(cause);
        return false;
      }
    };
    storing = attempt().finally(() => (storing = undefined));
  };

  /** Makes room for a frame, where that goes without a transaction. */
  const makeRoomFor = async (length: number, urgent: boolean): Promise<boolean> => {
    const limit = urgent ? journalBytes - settleBytes : journalBytes;
    if (position + length <= limit) return true;
    if (length > limit) return false;
    if (overlay.frozen && (await storing) !== true) return false;
    store();
    return true;
  };

  const writeChanges = async (changes: readonly Changes[], urgent: boolean): Promise<boolean> => {
    const length = frameBytes(changes);
    if (!(await makeRoomFor(length, urgent))) return false;
    if (frame.length < length) frame = Buffer.alloc(length);
    writeFrame(frame, { epoch, number }, changes);
    // A write that fails leaves the place as it was: the next frame goes over it.
    await files[epoch % files.length]?.write(frame, length, position);
    position += length;
    number += 1;
    for (const one of changes) overlay.apply(one);
    if (position >= storeFromBytes && !overlay.frozen) store();
    return true;
  };

  const alone = async <T>(work: () => Promise<T>): Promise<T> => {
    busy = true;
    try {
      return await work();
    } finally {
      busy = false;
    }
  };

  const storeAll = async (write?: (tables: Tables) => void, closed = false): Promise<void> => {
    await commit('all', { epoch: position === 0 ? epoch - 1 : epoch, closed }, write);
    if (position > 0) beginEpoch();
  };

  const transaction = async (write: (tables: Tables) => void): Promise<void> => {
    await storing;
    return isStored() ? environment.commit(write) : storeAll(write);
  };

  /**
   * Where LMDB has too little room for what stands in the journal, what makes room goes there alone. A message that is parked so is in both
   * places until the journal has its frame, and again after a kill between the two.
   */
  const jobsInTransaction = async (group: readonly Job[]): Promise<void> => {
    const write = (tables: Tables): void => { for (const job of group) job.write(tables); };
    const behind = allOf(group, (job) => job.changesBehind?.());
    try {
      await transaction(write);
    } catch (cause) {
      if (behind === undefined || isStored()) throw cause;
      await environment.commit(write);
      if (behind.some(({ removed = [] }) => removed.length > 0) && !(await writeChanges(behind, false))) throw cause;
    }
  };

  return {
    environment: { ...environment, commit: (write) => alone(() => transaction(write)) },
    async write(group) {
      const changes = allOf(group, (job) => job.changes?.());
      await alone(async () => {
        const urgent = group.some(({ kind }) => kind !== 'settle');
        if (changes === undefined || !(await writeChanges(changes, urgent))) await jobsInTransaction(group);
      });
    },
    tick() {
      if (!busy && storing === undefined && !isStored()) store();
    },
    async close() {
      await storing;
      // What cannot be stored stays in the journal, for the next start.
      await storeAll(undefined, true).catch(() => undefined);
      await Promise.all(files.map((file) => file.close()));
    },
  };
};
