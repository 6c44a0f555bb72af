import { statSync } from 'node:fs';
import t from 'tap';
import { openDownlinkTables } from '../../../../src/store/local/downlinks/downlink-tables.js';
import { addAll, deadlineOf, newDevice, newDownlink, newSubmitted, recordWork } from '../../../contracts/downlink-store-samples.js';
import { testDir } from '../../../support/test-dir.js';
import { until } from '../../../support/until.js';
import { openDownlinks } from './open-downlinks.js';

void t.test('a device that is heard again unchanged is not written again, also after a restart', async (t) => {
  const dataDir = testDir(t);
  const writtenAt = (): bigint => statSync(`${dataDir}/downlinks/data.mdb`, { bigint: true }).mtimeNs;
  const record = () => newDevice('d', { connectionIds: ['a', 'b'], address: { device_id: 'pump' } });
  const first = await openDownlinks(t, dataDir);
  first.devices.heard(record());
  await first.close(deadlineOf(5_000));
  const before = writtenAt();
  const second = await openDownlinks(t, dataDir);
  for (let count = 0; count < 1_000; count += 1) second.devices.heard(record());
  t.same(await second.devices.find('d'), record());
  await second.close(deadlineOf(5_000));
  t.equal(writtenAt(), before);
  const third = await openDownlinks(t, dataDir);
  third.devices.heard({ ...record(), address: { device_id: 'valve' } });
  await third.close(deadlineOf(5_000));
  t.not(writtenAt(), before, 'a change is written');
});

void t.test('what is over is swept from the disk: ids, answers and submitted downlinks, and nothing else', async (t) => {
  const dataDir = testDir(t);
  let now = Date.now();
  const store = await openDownlinks(t, dataDir, { now: () => now, reportWindowMs: 60_000, intervals: { sweep: 5 } });
  const fill = async (prefix: string, count: number): Promise<void> => {
    const downlinks = Array.from({ length: count }, (_, index) => newDownlink(`${prefix}${index}`, `${prefix}${index}`));
    await addAll(store, downlinks);
    await Promise.all(downlinks.map((downlink) => store.submitted.put(newSubmitted(downlink, { submittedAt: now }))));
    await Promise.all(downlinks.map(({ deviceId }) => store.queue.collect({ deviceId, requestId: 'r', again: false, rememberMs: 60_000 })));
  };
  await fill('old', 1_200);
  now += 59_000;
  await fill('young', 40);
  now += 1_500;
  const { root, tables } = openDownlinkTables(`${dataDir}/downlinks`);
  t.teardown(() => root.close());
  const counts = (): number[] => [tables.seen, tables.answers, tables.submitted].map((table) => table.getKeysCount({}));
  await until('the old ones are swept', () => counts().every((count) => count === 40));
  t.equal((await store.queue.totals('main')).waiting, 1_240, 'what waits stays');
  t.equal((await store.submitted.of('young7')).length, 1);
  const again = newDownlink('old1', 'old1');
  t.equal((await store.queue.add(again, { delivery: 'submit', windowMs: 1_000, capacity: 10_000 })).state, 'stored');
});

void t.test('a clock that the caller gives decides what is valid', async (t) => {
  let now = 1_000;
  const store = await openDownlinks(t, testDir(t), { now: () => now });
  await addAll(store, [newDownlink('a', 'd', { receivedAt: 1_000, validUntil: 5_000 })]);
  now = 4_999;
  t.same(await store.queue.expire(), []);
  now = 5_000;
  t.match(await store.queue.expire(), [{ state: 'expired', downlink: { correlationId: 'a' } }]);
});

void t.test('thousands that are held do not keep others of the same connection waiting', async (t) => {
  const store = await openDownlinks(t, testDir(t), { ratePerSecond: () => 50 });
  const dead = { networkServer: { id: 'dead', kind: 'chirpstack' } } as const;
  await addAll(store, Array.from({ length: 4_000 }, (_, index) => newDownlink(`h${index}`, `h${index}`, dead)));
  await addAll(store, [newDownlink('alive', 'alive')]);
  const work = recordWork({ holdMs: ({ networkServer }) => (networkServer.id === 'dead' ? 1 : 0) });
  store.queue.start(work);
  await until('the other left', () => work.handed.length === 1);
  t.same(work.names(), ['alive']);
  await addAll(store, [newDownlink('later', 'later')]);
  await until('one that came later left too', () => work.handed.length === 2);
});

void t.test('a work that throws does not stop its device', async (t) => {
  const store = await openDownlinks(t, testDir(t));
  let failures = 1;
  const work = recordWork({
    submit() {
      failures -= 1;
      if (failures >= 0) throw new Error('unforeseen');
      return { kind: 'done' };
    },
  });
  await addAll(store, [newDownlink('a', 'd'), newDownlink('b', 'd')]);
  store.queue.start(work);
  await until('all left', async () => (await store.queue.totals('main')).waiting === 0);
  t.same(work.names(), ['a', 'a', 'b']);
});
