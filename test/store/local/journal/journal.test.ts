import { cpSync, rmSync, truncateSync, readdirSync } from 'node:fs';
import t, { type Test } from 'tap';
import { BridgeError } from '../../../../src/errors.js';
import { openTables } from '../../../../src/store/local/environment.js';
import type { LocalOutbox } from '../../../../src/store/local/local-outbox.js';
import { names, newAppend, newParkedAppend, readAll, startOfTime, statesOf, topicsOf } from '../../../contracts/outbox-samples.js';
import { testDir } from '../../../support/test-dir.js';
import { openOutbox } from '../open-outbox.js';
import { overwrite } from '../overwrite.js';

/** The journal is never stored by time. */
const rarely = { intervals: { retry: 1e8, idle: 1e9, sweep: 1e9 } };

let copies = 0;

/** The folder as it is at this moment, as a kill would leave it; nothing may be under way. */
const copyOf = (dataDir: string): string => {
  const copy = `${dataDir}-${(copies += 1)}`;
  cpSync(`${dataDir}/outbox`, `${copy}/outbox`, { recursive: true });
  return copy;
};

/** Records, and hashes of what was seen, that LMDB itself holds. */
const inLmdb = async (dataDir: string): Promise<{ readonly records: number; readonly runs: number }> => {
  const { root, tables } = openTables(`${dataDir}/outbox`, true);
  const counts = { records: tables.records.getKeysCount({}), runs: tables.runs.getKeysCount({}) };
  await root.close();
  return counts;
};

/** An outbox whose first message, which brings the name of its connection, is in LMDB; what comes now goes into the journal. */
const open = async (t: Test): Promise<{ readonly dataDir: string; readonly outbox: LocalOutbox }> => {
  const dataDir = `${testDir(t)}/data`;
  const outbox = await openOutbox(t, dataDir, rarely);
  await outbox.append([newAppend('first')]);
  return { dataDir, outbox };
};

const deliver = async (outbox: LocalOutbox, wanted: readonly string[]): Promise<void> =>
  outbox.settle((await readAll(outbox)).filter((record) => wanted.includes(topicsOf([record])[0] ?? '')).map((record) => ({ outcome: 'delivered', record })));

void t.test('messages that are settled soon never reach LMDB; the rest does at the close', async (t) => {
  const { dataDir, outbox } = await open(t);
  await outbox.append(names(20).map((name) => newAppend(name)));
  await deliver(outbox, names(15));
  t.same(await inLmdb(copyOf(dataDir)), { records: 1, runs: 1 });
  t.same(topicsOf(await readAll(outbox)), ['first', ...names(20).slice(15)]);
  t.equal(outbox.pending('main').messages, 6);
  await outbox.close();
  t.equal((await inLmdb(dataDir)).records, 6);
});

void t.test('after a kill all is there that was said to be stored, and nothing that was settled', async (t) => {
  const { dataDir, outbox } = await open(t);
  await outbox.append(names(30).map((name) => newAppend(name)));
  await outbox.append([newAppend('without time')].map((append) => ({ ...append, eventTimeMs: 0 })));
  await deliver(outbox, ['first', 'm3', 'm4']);
  const before = await readAll(outbox);
  const copy = copyOf(dataDir);
  t.equal((await inLmdb(copy)).records, 1, 'LMDB still has what is settled, and nothing else');

  const after = await openOutbox(t, copy, rarely);
  t.same(await readAll(after), before);
  t.equal(after.restored('main'), 29);
  t.same(after.pending('main'), outbox.pending('main'));
  t.equal(after.oldestAcceptedAt('main'), startOfTime);
  const again = [...names(30).map((name) => newAppend(name)), newAppend('first'), { ...newAppend('without time'), eventTimeMs: 0 }];
  t.same(new Set(await statesOf(after.append(again))), new Set(['duplicate']));
  const [result] = await after.append([newAppend('new')]);
  t.ok(result?.state === 'stored' && (result.records[0]?.seq ?? 0) > (before.at(-1)?.seq ?? 0), 'its position is a new one');
  await deliver(after, names(30));
  await after.close();
  const reopened = await openOutbox(t, copy);
  t.same(topicsOf(await readAll(reopened)), ['without time', 'new']);
});

void t.test('what the API parks, replays and discards sees what stands in the journal', async (t) => {
  const { dataDir, outbox } = await open(t);
  await outbox.append(names(4).map((name) => newAppend(name)));
  const records = await readAll(outbox);
  await outbox.settle(records.slice(1, 3).map((record) => ({ outcome: 'parked', record, reason: 'expired', detail: '' })));
  await outbox.append([newParkedAppend('p', { reason: 'topic_invalid', detail: '' }), newAppend('after')]);
  t.same(topicsOf(await outbox.parked({}, { after: -1, limit: 10 })), ['m0', 'm1', 'p']);
  const [parked] = await outbox.parked({}, { after: -1, limit: 1 });
  if (parked !== undefined) await outbox.replay([{ parked, record: parked }]);
  t.same(topicsOf(await readAll(outbox)), ['first', 'm2', 'm3', 'after', 'm0']);
  const some = await outbox.readSome('main', [...(await readAll(outbox)).map(({ seq }) => seq), 1e6, ...records.slice(1, 2).map(({ seq }) => seq)]);
  t.same(topicsOf(some), ['first', 'm2', 'm3', 'after', 'm0']);
  const after = await openOutbox(t, copyOf(dataDir), rarely);
  t.same(topicsOf(await readAll(after)), ['first', 'm2', 'm3', 'after', 'm0']);
  t.equal(after.parkedTotals().messages, 2);
});

void t.test('more than both files hold, some of it settled, is all there and in order', async (t) => {
  const { dataDir, outbox } = await open(t);
  const payload = Buffer.alloc(3_000, 'p');
  const all = names(1_500);
  for (let from = 0; from < all.length; from += 50) {
    const batch = all.slice(from, from + 50);
    await outbox.append(batch.map((name) => newAppend(name, { payload })));
    if (from % 100 === 0) await deliver(outbox, batch.slice(0, 40));
  }
  const left = all.filter((_, index) => Math.floor(index / 50) % 2 === 1 || index % 50 >= 40);
  t.same(topicsOf(await readAll(outbox)), ['first', ...left]);
  const found: string[] = [];
  for (let after = 0; ; ) {
    const some = await outbox.read('main', after, 7, 1e9);
    if (some.length === 0) break;
    found.push(...topicsOf(some));
    after = some.at(-1)?.seq ?? 0;
  }
  t.same(found, ['first', ...left], 'read in pieces too');
  await outbox.close();
  const reopened = await openOutbox(t, dataDir);
  t.same(topicsOf(await readAll(reopened)), ['first', ...left]);
  t.same(reopened.pending('main').messages, left.length + 1);
});

void t.test('an outbox without a journal gets one', async (t) => {
  const { dataDir, outbox } = await open(t);
  await outbox.append([newAppend('a')]);
  await outbox.close();
  const { root, tables } = openTables(`${dataDir}/outbox`);
  t.match(String(tables.meta.getBinary(Buffer.from('journal'))), /^\d+ closed$/, 'after a clean stop LMDB holds all');
  await tables.meta.remove(Buffer.from('journal'));
  await root.close();
  rmSync(`${dataDir}/outbox/journal-0`);
  const reopened = await openOutbox(t, dataDir, rarely);
  await reopened.append([newAppend('b')]);
  t.same(topicsOf(await readAll(await openOutbox(t, copyOf(dataDir)))), ['first', 'a', 'b']);
});

for (const [name, damage] of [
  ['missing', (path: string) => rmSync(path)],
  ['cut short', (path: string) => truncateSync(path, 500_000)],
  ['overwritten in its middle', (path: string) => overwrite(path, 4_096 + 50, Buffer.alloc(3_000, 'garbage'))],
] as const) {
  void t.test(`a journal that is ${name} is detected before anything is served`, async (t) => {
    const { dataDir, outbox } = await open(t);
    for (const message of names(5)) await outbox.append([newAppend(message)]);
    const copy = copyOf(dataDir);
    const used = openTables(`${copy}/outbox`, true);
    const epoch = Number(used.tables.meta.getBinary(Buffer.from('journal'))?.toString()) + 1;
    await used.root.close();
    damage(`${copy}/outbox/journal-${epoch % 2}`);
    const error: unknown = await openOutbox(t, copy).then(() => undefined, (thrown: unknown) => thrown);
    t.ok(error instanceof BridgeError);
    t.match(error, { reason: 'store_corrupt', message: /journal.*set aside/s });
    t.equal(readdirSync(copy).filter((entry) => entry.startsWith('outbox.damaged-')).length, 1);
    t.same(await readAll(await openOutbox(t, copy)), [], 'the next start begins with an empty outbox');
  });
}
