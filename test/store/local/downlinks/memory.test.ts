import { statSync } from 'node:fs';
import t from 'tap';
import type { DownlinkStep } from '../../../../src/downlink/ports.js';
import { openDownlinkTables } from '../../../../src/store/local/downlinks/downlink-tables.js';
import { openNamed } from '../../../../src/store/local/environment.js';
import { rejectsWith } from '../../../contracts/downlink-store-opened.js';
import { addAll, deadlineOf, downlinkId, newDevice, newDownlink } from '../../../contracts/downlink-store-samples.js';
import { testDir } from '../../../support/test-dir.js';
import { until } from '../../../support/until.js';
import { openDownlinks } from './open-downlinks.js';

const step: DownlinkStep = { state: 'queued', attempt: 0, time: 1 };

void t.test('a store of version 0.1 opens as it is, and gets the tables that it lacks', async (t) => {
  const dataDir = testDir(t);
  const store = await openDownlinks(t, dataDir);
  await addAll(store, [newDownlink('a', 'd')]);
  store.devices.heard(newDevice('d'));
  await store.close(deadlineOf(5_000));
  const { root } = openNamed(`${dataDir}/downlinks`, ['meta']);
  for (const name of ['activity', 'lives', 'things']) await root.openDB({ name }).drop();
  await root.close();
  const older = openDownlinkTables(`${dataDir}/downlinks`, true);
  t.same(Object.keys(older.tables).sort(), ['answers', 'devices', 'meta', 'notices', 'seen', 'submitted', 'waiting'], 'the file is an older one');
  await older.root.close();
  const again = await openDownlinks(t, dataDir);
  t.equal((await again.queue.totals('main')).waiting, 1);
  t.strictSame(await again.devices.find('d'), newDevice('d'));
  again.things.put({ connectionId: 'main', deviceId: 'd', thingName: 'D', state: 'ready', since: 1 });
  await until('a new table works', async () => (await again.things.of('d')).length === 1);
});

void t.test('a cursor that no page of devices gave is refused', async (t) => {
  const store = await openDownlinks(t, testDir(t));
  for (const after of ['', 'x', 'abc', 'ZZ', '00'.repeat(100)]) await rejectsWith(t, store.devices.list({}, { after, limit: 1 }), 'invalid_field');
  t.strictSame(await store.devices.list({}, { after: 'ff'.repeat(16), limit: 1 }), { devices: [] });
});

void t.test('activity is gathered: however often a device is heard, the disk is left alone until the time is over', async (t) => {
  const dataDir = testDir(t);
  const writtenAt = (): bigint => statSync(`${dataDir}/downlinks/data.mdb`, { bigint: true }).mtimeNs;
  const first = await openDownlinks(t, dataDir);
  first.devices.heard(newDevice('d'));
  await first.close(deadlineOf(5_000));
  const store = await openDownlinks(t, dataDir, { intervals: { activity: 3_600_000 } });
  const before = writtenAt();
  for (let lastSeenAt = 1; lastSeenAt <= 5_000; lastSeenAt += 1) store.devices.heard(newDevice('d'), { lastSeenAt, fCnt: lastSeenAt });
  t.match(await store.devices.find('d'), { lastSeenAt: 5_000, fCnt: 5_000 });
  t.equal(writtenAt(), before);
  await store.close(deadlineOf(5_000));
  t.not(writtenAt(), before, 'closing writes it');
  const again = await openDownlinks(t, dataDir, { intervals: { activity: 20 } });
  again.devices.heard(newDevice('d'), { lastSeenAt: 4_000 });
  again.devices.heard(newDevice('e'), { lastSeenAt: 6_000 });
  const { root, tables } = openDownlinkTables(`${dataDir}/downlinks`, true);
  t.teardown(() => root.close());
  await until('it is written in time', () => tables.activity.getKeysCount({}) === 2);
  t.match(await again.devices.find('d'), { lastSeenAt: 5_000, fCnt: 5_000 }, 'an older message than the stored one changes nothing');
});

void t.test('a life is forgotten a day after its last change, and swept', async (t) => {
  const dataDir = testDir(t);
  let now = 10_000_000;
  const store = await openDownlinks(t, dataDir, { now: () => now, intervals: { sweep: 5 } });
  const life = (name: string) => ({ downlinkId: downlinkId(name), connectionId: 'main', deviceId: 'd' });
  const { root, tables } = openDownlinkTables(`${dataDir}/downlinks`, true);
  t.teardown(() => root.close());
  for (let index = 0; index < 1_200; index += 1) store.lives.note(life(`old${index}`), step);
  store.lives.note(life('kept'), step);
  await until('they are written', () => tables.lives.getKeysCount({}) === 1_201);
  now += 43_200_000;
  store.lives.note(life('kept'), { ...step, state: 'submitted', attempt: 1 });
  await store.close(deadlineOf(5_000));
  const again = await openDownlinks(t, dataDir, { now: () => now, intervals: { sweep: 5 } });
  now += 43_200_000;
  t.equal(await again.lives.find(downlinkId('old7')), undefined);
  await until('the old ones are swept', () => tables.lives.getKeysCount({}) === 1);
  t.equal((await again.lives.find(downlinkId('kept')))?.steps.length, 2);
});

void t.test('forgotten things are swept from the disk, and no others', async (t) => {
  const dataDir = testDir(t);
  const store = await openDownlinks(t, dataDir, { intervals: { sweep: 5 } });
  const { root, tables } = openDownlinkTables(`${dataDir}/downlinks`, true);
  t.teardown(() => root.close());
  for (let index = 0; index < 1_500; index += 1) {
    for (const connectionId of ['main', 'zone']) store.things.put({ connectionId, deviceId: `d${index}`, thingName: 'x', state: 'ready', since: 1 });
  }
  await until('they are written', () => tables.things.getKeysCount({}) === 3_000);
  await store.things.forget('main');
  store.things.put({ connectionId: 'main', deviceId: 'd7', thingName: 'new', state: 'ready', since: 2 });
  await until('they are swept', () => tables.things.getKeysCount({}) === 1_501);
  t.same((await store.things.of('d7')).map(({ thingName }) => thingName).sort(), ['new', 'x']);
});

void t.test('on a full disk all that is remembered stays in memory, and is written when there is room', async (t) => {
  const dataDir = testDir(t);
  let free = 1e9;
  const store = await openDownlinks(t, dataDir, { freeBytes: async () => free, intervals: { retry: 10, idle: 50, room: 0, activity: 5 } });
  await addAll(store, [newDownlink('a', 'd')]);
  free = 1_000;
  store.devices.heard(newDevice('d'), { lastSeenAt: 5 });
  store.lives.note({ downlinkId: downlinkId('a'), connectionId: 'main', deviceId: 'd' }, step);
  store.things.put({ connectionId: 'main', deviceId: 'd', thingName: 'D', state: 'ready', since: 1 });
  await until('the trouble is known', () => store.problem() !== undefined);
  await rejectsWith(t, store.queue.clear('d'), 'store_unavailable');
  await rejectsWith(t, store.things.forget('zone'), 'store_unavailable');
  t.equal((await store.queue.waiting('d')).length, 1, 'what could not be cleared still waits');
  t.match(await store.devices.find('d'), { lastSeenAt: 5 });
  t.equal((await store.lives.find(downlinkId('a')))?.steps.length, 1);
  t.equal((await store.things.of('d')).length, 1);
  free = 1e9;
  await until('the store heals', () => store.problem() === undefined);
  t.equal((await store.queue.clear('d')).length, 1);
  const { root, tables } = openDownlinkTables(`${dataDir}/downlinks`, true);
  t.teardown(() => root.close());
  await until('all is written', () => [tables.devices, tables.activity, tables.lives, tables.things].every((table) => table.getKeysCount({}) === 1));
});
