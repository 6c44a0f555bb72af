import { isDeepStrictEqual } from 'node:util';
import type { Test } from 'tap';
import type { SubmittedDownlink } from '../../src/downlink/ports.js';
import type { NewDownlinkPlace } from './downlink-store.js';
import { opened, reopened } from './downlink-store-opened.js';
import { downlinkId, nameOf, newDevice, newDownlink, newSubmitted } from './downlink-store-samples.js';
import { until } from '../support/until.js';

const named = (submitted: readonly SubmittedDownlink[]): string[] => submitted.map(({ downlink }) => nameOf(downlink));

const submitted = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await t.test('what was submitted is remembered for its device in order, also over a restart', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    t.strictSame(await store.submitted.of('d'), []);
    const a = newSubmitted(newDownlink('a', 'd', { object: { on: true } }), { ids: [] });
    const b = newSubmitted(newDownlink('b', 'd'), { ids: ['as:downlink:1', 'é'], attempts: 4 });
    for (const entry of [a, b, newSubmitted(newDownlink('x', 'e'))]) await store.submitted.put(entry);
    t.strictSame(await store.submitted.of('d'), [a, b]);
    const changed: SubmittedDownlink = { ...a, state: 'sent', ids: ['late'] };
    await store.submitted.put(changed);
    t.strictSame(await store.submitted.of('d'), [changed, b], 'replaced in its place');
    const again = await reopened(t, place, store);
    t.strictSame(await again.submitted.of('d'), [changed, b]);
    await again.submitted.remove('d', downlinkId('a'));
    await again.submitted.remove('d', downlinkId('never there'));
    await again.submitted.remove('nobody', downlinkId('b'));
    t.strictSame(await again.submitted.of('d'), [b]);
    t.same(named(await again.submitted.of('e')), ['x']);
  });
  await t.test('puts and removes at the same time are taken in the order in which they were asked', async (t) => {
    const store = await opened(t, await newPlace(t));
    const put = (name: string, state: SubmittedDownlink['state']): Promise<void> => store.submitted.put(newSubmitted(newDownlink(name, 'd'), { state }));
    await Promise.all([put('a', 'submitted'), put('b', 'submitted'), put('a', 'sent'), store.submitted.remove('d', downlinkId('b')), put('c', 'submitted')]);
    t.same((await store.submitted.of('d')).map(({ downlink, state }) => `${nameOf(downlink)} ${state}`), ['a sent', 'c submitted']);
  });
  await t.test('of more than 64 of a device the oldest go', async (t) => {
    const store = await opened(t, await newPlace(t));
    const names = Array.from({ length: 70 }, (_, index) => `n${index}`);
    for (const name of names.slice(0, 60)) await store.submitted.put(newSubmitted(newDownlink(name, 'd')));
    await Promise.all(names.slice(60).map((name) => store.submitted.put(newSubmitted(newDownlink(name, 'd')))));
    await store.submitted.put(newSubmitted(newDownlink('n69', 'd'), { state: 'sent' }));
    t.same(named(await store.submitted.of('d')), names.slice(6));
  });
  await t.test('what is older than the report window is forgotten', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place, { reportWindowMs: 300 });
    const young = newSubmitted(newDownlink('young', 'd'));
    await store.submitted.put(young);
    t.same(named(await store.submitted.of('d')), ['young']);
    await until('it is forgotten', async () => (await store.submitted.of('d')).length === 0);
  });
};

const devices = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await t.test('a device is found where it was last heard, also after a restart', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    t.equal(await store.devices.find('d'), undefined);
    const first = newDevice('d', { address: { device_id: 'pump-«é»', application_id: 'site' } });
    const moved = newDevice('d', { networkServerId: 'city', connectionIds: ['main', 'other'], address: { device_id: 'pump' } });
    store.devices.heard(first);
    await until('it is known', async () => (await store.devices.find('d')) !== undefined);
    t.strictSame(await store.devices.find('d'), first);
    const again = await reopened(t, place, store);
    t.strictSame(await again.devices.find('d'), first, 'written by close at the latest');
    for (let count = 0; count < 100; count += 1) again.devices.heard(first);
    again.devices.heard(moved);
    await until('it has moved', async () => (await again.devices.find('d'))?.networkServerId === 'city');
    t.strictSame(await again.devices.find('d'), moved);
    t.strictSame(await (await reopened(t, place, again)).devices.find('d'), moved);
  });
  await t.test('every change is seen: network server, connections, address', async (t) => {
    const store = await opened(t, await newPlace(t));
    const changes = [{ networkServerId: 'city' }, { connectionIds: ['main', 'zone'] }, { connectionIds: ['zone'] }, { connectionIds: [] }, { address: { device_id: 'a' } }, { address: { device_id: 'b' } }, { address: { device_id: 'b', more: '' } }];
    for (const change of changes) {
      const record = newDevice('d', change);
      store.devices.heard(record);
      await until('the change is seen', async () => isDeepStrictEqual(await store.devices.find('d'), record));
    }
    t.match(await store.devices.find('d'), { address: { device_id: 'b', more: '' } });
  });
  await t.test('a device that moves to and fro is found where it was last heard, also after a restart', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    const home = newDevice('d', { networkServerId: 'city' });
    const away = newDevice('d', { networkServerId: 'town' });
    for (const record of [home, away, home, away]) {
      store.devices.heard(record);
      store.devices.heard(record);
      await until('it has moved', async () => isDeepStrictEqual(await store.devices.find('d'), record));
    }
    for (const record of [home, away, home]) store.devices.heard(record);
    t.strictSame(await (await reopened(t, place, store)).devices.find('d'), home);
  });
  await t.test('thousands of devices heard in one moment are all remembered', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    const ids = Array.from({ length: 3_000 }, (_, index) => `device-${index}`);
    for (const id of ids) store.devices.heard(newDevice(id, { address: { id } }));
    const again = await reopened(t, place, store);
    const found = await Promise.all(ids.map((id) => again.devices.find(id)));
    t.same(found.map((record) => record?.address['id']), ids);
  });
};

export const memoryContract = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await submitted(t, newPlace);
  await devices(t, newPlace);
};
