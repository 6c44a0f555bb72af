import { mkdirSync, statSync } from 'node:fs';
import t from 'tap';
import { createLogger } from '../../../src/log.js';
import { openTables } from '../../../src/store/local/environment.js';
import { openLocalOutbox } from '../../../src/store/local/local-outbox.js';
import { someArrival } from '../../../src/store/local/seen-runs.js';
import { outboxContract } from '../../contracts/outbox.js';
import { limitsContract } from '../../contracts/outbox-limits.js';
import { newAppend, newParkedAppend, newRecord, readAll, startOfTime, topicsOf } from '../../contracts/outbox-samples.js';
import { testDir } from '../../support/test-dir.js';
import { openOutbox } from './open-outbox.js';
import { until } from '../../support/until.js';

void t.test('the outbox contract', async (t) => {
  await outboxContract(t, async (t) => {
    const dataDir = testDir(t);
    return {
      open: (settings) => openLocalOutbox({ dataDir, parkedMaxBytes: 10_000_000, logger: createLogger('silent'), ...settings }),
    };
  });
});

void t.test('the limits of the outbox', async (t) => {
  await limitsContract(t, (t, settings) => openOutbox(t, testDir(t), settings));
});

void t.test('the data directory is made when it is missing; an empty outbox folder is a new outbox', async (t) => {
  const dataDir = `${testDir(t)}/not/yet`;
  const outbox = await openOutbox(t, dataDir);
  await outbox.append([newAppend('a')]);
  t.same(topicsOf(await readAll(outbox)), ['a']);
  const other = testDir(t, { mounted: { outbox: {} } });
  t.same(await readAll(await openOutbox(t, `${other}/mounted`)), []);
});

void t.test('a path that cannot be a data directory is refused', async (t) => {
  const dir = testDir(t, { file: 'not a folder' });
  await t.rejects(openOutbox(t, `${dir}/file`), Object.assign(new Error(), { name: 'BridgeError', reason: 'store_unavailable' }));
});

void t.test('the oldest parked messages make room for new ones, with one warning', async (t) => {
  const lines: { msg?: string }[] = [];
  const logger = createLogger('warn', { write: (line) => { lines.push(JSON.parse(line) as { msg?: string }); } });
  const outbox = await openOutbox(t, testDir(t), { parkedMaxBytes: 20_000, logger });
  const park = { reason: 'topic_invalid', detail: '' } as const;
  for (let index = 0; index < 60; index += 1) {
    await outbox.append([newParkedAppend(`p${index}`, park, { payload: Buffer.alloc(1_000), connectionId: index % 2 === 0 ? 'main' : 'other' })]);
  }
  await until('the limit holds', () => outbox.parkedTotals().bytes <= 20_000);
  const { messages, dropped } = outbox.parkedTotals();
  t.equal(messages + dropped, 60);
  const left = await outbox.parked({}, { after: -1, limit: 100 });
  t.equal(left.length, messages);
  t.same(topicsOf(left), Array.from({ length: messages }, (_, index) => `p${60 - messages + index}`));
  t.equal(lines.filter(({ msg }) => msg === 'oldest parked messages removed').length, 1);
});

void t.test('what is replayed or discarded while the oldest make room is counted once', async (t) => {
  const outbox = await openOutbox(t, testDir(t), { parkedMaxBytes: 20_000 });
  const park = { reason: 'topic_invalid', detail: '' } as const;
  let replayed = 0;
  let discarded = 0;
  for (let index = 0; index < 120; index += 1) {
    const appended = outbox.append([0, 1, 2].map((copy) => newParkedAppend(`p${index}.${copy}`, park, { payload: Buffer.alloc(1_000), connectionId: `c${index % 4}` })));
    const oldest = await outbox.parked({}, { after: -1, limit: 3 });
    const discard = index % 2 === 0 ? outbox.discard(oldest.slice(1).map(({ seq }) => seq)) : 0;
    const [records, count] = await Promise.all([
      outbox.replay(oldest.slice(0, 2).map((parked) => ({ parked, record: newRecord('again', { connectionId: parked.connectionId }) }))),
      discard,
      index % 10 === 0 ? appended : undefined,
    ]);
    replayed += records.length;
    discarded += count;
  }
  await until('all is appended', async () => (await outbox.parked({}, { after: -1, limit: 1_000 })).some(({ messageId }) => messageId === newRecord('p119.2').messageId));
  await until('the limit holds', () => outbox.parkedTotals().bytes <= 20_000);
  const { messages, dropped } = outbox.parkedTotals();
  t.equal(messages + dropped + replayed + discarded, 360);
  t.equal((await outbox.parked({}, { after: -1, limit: 1_000 })).length, messages);
  t.equal([0, 1, 2, 3].reduce((sum, index) => sum + outbox.pending(`c${index}`).messages, 0), replayed);
  t.ok(replayed > 10 && discarded > 10 && dropped > 10, `${replayed} replayed, ${discarded} discarded, ${dropped} dropped`);
});

void t.test('the totals of parked messages survive a restart', async (t) => {
  const dataDir = testDir(t);
  const outbox = await openOutbox(t, dataDir);
  await outbox.append([newParkedAppend('a', { reason: 'topic_invalid', detail: 'x' }), newAppend('b')]);
  const totals = outbox.parkedTotals();
  t.equal(totals.messages, 1);
  await outbox.close();
  t.same((await openOutbox(t, dataDir)).parkedTotals(), totals);
});

void t.test('what was seen is forgotten after the window, wherever its event time lies, and only then', async (t) => {
  let now = startOfTime;
  const dataDir = testDir(t);
  const options = { now: () => now, dedupWindowMs: 3_600_000, intervals: { sweep: 1 } };
  const outbox = await openOutbox(t, dataDir, options);
  const times = [0, startOfTime, startOfTime - 86_400_000, startOfTime + 86_400_000 * 365];
  const batch = (name: string) => Array.from({ length: 700 }, (_, index) => ({ dedupKey: newAppend(`${name}${index}`).dedupKey, eventTimeMs: times[index % 4] ?? 0, records: [] }));
  await outbox.append(batch('old'));
  now += 3_599_000;
  await outbox.append(batch('young'));
  now += 61_000;
  const { root, tables } = openTables(`${dataDir}/outbox`);
  t.teardown(() => root.close());
  const young = (arrival: number): boolean => arrival === startOfTime + 3_599_000;
  const swept = (): boolean => tables.seen.getKeysCount({}) === 175 && [...tables.runs.getRange({})].every(({ value }) => someArrival(value, young));
  await until('the old ones are swept', swept);
  t.ok(tables.runs.getKeysCount({}) > 0);
  t.same(new Set((await outbox.append(batch('young'))).map(({ state }) => state)), new Set(['duplicate']));
  t.same(new Set((await outbox.append(batch('old'))).map(({ state }) => state)), new Set(['stored']));
});

void t.test('an outbox without traffic proves by writing that it can be written', async (t) => {
  const dataDir = testDir(t);
  const outbox = await openOutbox(t, dataDir, { intervals: { retry: 5, idle: 20 } });
  const writtenAt = (): number => statSync(`${dataDir}/outbox/data.mdb`).mtimeMs;
  const first = writtenAt();
  await until('a first proof', () => writtenAt() > first);
  const second = writtenAt();
  await until('a second proof', () => writtenAt() > second);
  t.equal(outbox.unwritable(), undefined);
  t.same(outbox.pending('main'), { messages: 0, bytes: 0 });
});

void t.test('a second outbox folder beside the first is not touched', async (t) => {
  const dataDir = testDir(t);
  mkdirSync(`${dataDir}/outbox.damaged-2026`);
  const outbox = await openOutbox(t, dataDir);
  await outbox.append([newAppend('a')]);
  t.equal(outbox.pending('main').messages, 1);
});
