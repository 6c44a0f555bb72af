import t from 'tap';
import { checkStore } from '../../../../src/store/local/check-store.js';
import { openEnvironment, openTables, type Environment, type Tables } from '../../../../src/store/local/environment.js';
import type { Job } from '../../../../src/store/local/job.js';
import { createJournal } from '../../../../src/store/local/journal/journal.js';
import { journalFiles, openJournalFile, type JournalFile } from '../../../../src/store/local/journal/journal-file.js';
import { openJournal } from '../../../../src/store/local/journal/open-journal.js';
import { recoverJournal } from '../../../../src/store/local/journal/recover-journal.js';
import { recordKey } from '../../../../src/store/local/outbox-keys.js';
import { createRunWriter } from '../../../../src/store/local/run-writer.js';
import { createSequence } from '../../../../src/store/local/sequence.js';
import { testDir } from '../../../support/test-dir.js';

/** LMDB, with room for so many records in a transaction. */
const withLittleRoom = (environment: Environment, most: () => number): Environment => ({
  ...environment,
  commit: (write) =>
    environment.commit((tables) => {
      let records = 0;
      const put = (...args: Parameters<typeof tables.records.put>): Promise<boolean> => {
        records += 1;
        return tables.records.put(...args);
      };
      write({ ...tables, records: Object.assign(Object.create(tables.records) as Tables['records'], { put }) });
      if (records > most()) throw new Error('no room');
    }),
});

const value = Buffer.alloc(100, 'v');
const job = (kind: Job['kind'], fields: Partial<Job>): Job => ({ kind, prepare: () => true, write: () => undefined, done: () => undefined, failed: () => undefined, ...fields });
const appendOf = (...seqs: readonly number[]): Job => job('append', { changes: () => ({ records: seqs.map((seq) => ({ key: recordKey(0, seq), value })) }) });
const settleOf = (seq: number): Job => job('settle', { changes: () => ({ removed: [recordKey(0, seq)] }) });
const parkOf = (seq: number): Job =>
  job('settle', {
    changesBehind: () => ({ removed: [recordKey(0, seq)] }),
    write({ records, parked }) {
      void records.remove(recordKey(0, seq));
      void parked.put(recordKey(0, seq), value);
    },
  });

void t.test('while LMDB has no room for what stands in the journal, what is settled and parked leaves all the same', async (t) => {
  const path = `${testDir(t)}/outbox`;
  const found = await checkStore(path);
  let most = 2;
  const open = async () => {
    const environment = withLittleRoom(openEnvironment(path, openTables), () => most);
    const failures: unknown[] = [];
    const opened = await openJournal({ folder: path, environment, found, makeRoom: () => Promise.resolve(), failed: (cause) => failures.push(cause) });
    const seqs = (): number[] => [...opened.overlay.recordsAfter((environment.tables() as Tables).records, 0, -1)].map(({ seq }) => seq);
    return { ...opened, environment, failures, seqs };
  };
  const { journal, environment, failures, seqs } = await open();
  await journal.write([appendOf(1, 2, 3, 4, 5)]);
  journal.tick();
  await t.rejects(journal.write([job('append', { write: ({ meta }) => void meta.put(Buffer.from('x'), value) })]), /no room/, 'what adds something is refused');
  t.equal(failures.length, 1, 'it was tried beside');
  await journal.write([settleOf(2)]);
  await journal.write([parkOf(4)]);
  t.same(seqs(), [1, 3, 5]);
  t.equal([...(environment.tables() as Tables).parked.getKeys({})].length, 1);
  await journal.close();
  await environment.close();

  const again = await open();
  t.same(again.seqs(), [1, 3, 5], 'a start needs no room');
  most = 3;
  await again.journal.write([job('append', { write: ({ meta }) => void meta.put(Buffer.from('x'), value) })]);
  t.equal((again.environment.tables() as Tables).records.getKeysCount({}), 3);
  await again.journal.close();
  await again.environment.close();
});

void t.test('the place of a write that failed, though it got to the disk, is taken by the next one', async (t) => {
  const path = `${testDir(t)}/outbox`;
  const found = await checkStore(path);
  const environment = openEnvironment(path, openTables);
  const { overlay, place } = await recoverJournal(path, environment, found);
  const sequence = createSequence(await environment.ready(), 0);
  let fails = false;
  const files = await Promise.all(journalFiles.map(async (index) => {
    const file = await openJournalFile(path, index);
    const write: JournalFile['write'] = async (...args) => {
      await file.write(...args);
      if (fails) throw new Error('the disk does not say that it is there');
    };
    return { ...file, write };
  }));
  const journal = createJournal({ environment, files, overlay, runs: createRunWriter(sequence), sequence, place, makeRoom: () => Promise.resolve(), failed: () => undefined });
  await journal.write([appendOf(1)]);
  fails = true;
  await t.rejects(journal.write([appendOf(2)]), /does not say/);
  fails = false;
  await journal.write([appendOf(3)]);
  const recovered = await recoverJournal(path, environment, found);
  t.same(recovered.overlay.contents().records.map(({ key }) => key), [recordKey(0, 1), recordKey(0, 3)]);
  t.equal(recovered.place.number, 2);
  await journal.close();
  t.equal((environment.tables() as Tables).records.getKeysCount({}), 2);
  await environment.close();
});
