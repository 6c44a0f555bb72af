import { BridgeError, messageOf } from '../../../errors.js';
import { outboxDamaged, type StoreContents } from '../check-store.js';
import { Damage } from '../probe-report.js';
import { createRunWriter, type RunWriter } from '../run-writer.js';
import { createSequence, type Sequence } from '../sequence.js';
import { createJournal, type Journal, type JournalOptions } from './journal.js';
import { journalFiles, openJournalFile } from './journal-file.js';
import type { Overlay } from './overlay.js';
import { recoverJournal } from './recover-journal.js';

export interface OpenedJournal {
  readonly journal: Journal;
  readonly overlay: Overlay;
  readonly sequence: Sequence;
  readonly runs: RunWriter;
  /** What the outbox holds, with what was in the journal. */
  readonly contents: StoreContents;
}

const errorOf = async (folder: string, cause: unknown): Promise<BridgeError> =>
  cause instanceof Damage
    ? outboxDamaged(folder, cause.message)
    : new BridgeError('store_unavailable', { detail: `cannot open the journal of the outbox in ${folder}: ${messageOf(cause)}`, cause });

export interface OpenJournalOptions extends Pick<JournalOptions, 'environment' | 'makeRoom' | 'failed'> {
  /** Of the outbox. */
  readonly folder: string;
  /** What the check of LMDB counted. */
  readonly found: StoreContents;
}

/**
 * Opens the journal in the folder of the outbox, with what an earlier process left there.
 * @throws BridgeError `store_corrupt` (the folder was set aside), `store_unavailable`; then the environment is closed
 */
export const openJournal = async ({ folder, environment, found, makeRoom, failed }: OpenJournalOptions): Promise<OpenedJournal> => {
  try {
    const { overlay, place, contents } = await recoverJournal(folder, environment, found);
    const sequence = createSequence(await environment.ready(), contents.lastSeq);
    const runs = createRunWriter(sequence);
    const files = await Promise.all(journalFiles.map((index) => openJournalFile(folder, index)));
    const journal = createJournal({ environment, files, overlay, runs, sequence, place, makeRoom, failed });
    return { journal, overlay, sequence, runs, contents };
  } catch (cause) {
    await environment.close();
    throw await errorOf(folder, cause);
  }
};
