import { isDeepStrictEqual } from 'node:util';
import type { Test } from 'tap';
import type { DeviceFilter, DownlinkStore, SeenDevice } from '../../src/downlink/ports.js';
import type { NewDownlinkPlace } from './downlink-store.js';
import { opened, reopened } from './downlink-store-opened.js';
import { newDevice } from './downlink-store-samples.js';
import { until } from '../support/until.js';

/** All pages of a list, with the size of each. */
const listAll = async (store: DownlinkStore, filter: DeviceFilter, limit: number): Promise<{ readonly devices: SeenDevice[]; readonly sizes: number[] }> => {
  const devices: SeenDevice[] = [];
  const sizes: number[] = [];
  let after: string | undefined;
  do {
    const page = await store.devices.list(filter, { limit, ...(after === undefined ? {} : { after }) });
    devices.push(...page.devices);
    sizes.push(page.devices.length);
    after = page.next;
  } while (after !== undefined);
  return { devices, sizes };
};

const idsOf = (devices: readonly SeenDevice[]): string[] => devices.map(({ deviceId }) => deviceId);

const activity = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await t.test('the latest message of a device is known, and written by close at the latest', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    const record = newDevice('d', { address: { device_id: 'pump' } });
    store.devices.heard(record, { lastSeenAt: 1_000, fCnt: 7 });
    await until('it is known', async () => isDeepStrictEqual(await store.devices.find('d'), { ...record, lastSeenAt: 1_000, fCnt: 7 }));
    store.devices.heard(record, { lastSeenAt: 2_000, fCnt: 0 });
    await until('the later one is known', async () => isDeepStrictEqual(await store.devices.find('d'), { ...record, lastSeenAt: 2_000, fCnt: 0 }));
    store.devices.heard(record);
    store.devices.heard(record, { lastSeenAt: 1_500, fCnt: 9 });
    t.strictSame(await store.devices.find('d'), { ...record, lastSeenAt: 2_000, fCnt: 0 }, 'an older one, or none, changes nothing');
    const again = await reopened(t, place, store);
    t.strictSame(await again.devices.find('d'), { ...record, lastSeenAt: 2_000, fCnt: 0 });
    again.devices.heard({ ...record, networkServerId: 'city' }, { lastSeenAt: 3_000 });
    await until('it moved', async () => (await again.devices.find('d'))?.networkServerId === 'city');
    t.strictSame(await again.devices.find('d'), { ...record, networkServerId: 'city', lastSeenAt: 3_000 }, 'a message without FCnt has none');
  });
  await t.test('a device without activity has none', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    store.devices.heard(newDevice('d'));
    await until('it is known', async () => (await store.devices.find('d')) !== undefined);
    t.strictSame(await store.devices.find('d'), newDevice('d'));
    t.strictSame((await listAll(await reopened(t, place, store), {}, 10)).devices, [newDevice('d')]);
  });
};

const listing = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await t.test('devices are listed page by page in a fixed order, each once, with their activity', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    t.strictSame(await store.devices.list({}, { limit: 5 }), { devices: [] }, 'none is a page too');
    const records = Array.from({ length: 1_203 }, (_, index) => newDevice(`device-${index}`));
    for (const [index, record] of records.entries()) store.devices.heard(record, { lastSeenAt: index + 1, fCnt: index });
    await until('all are listed', async () => (await listAll(store, {}, 500)).devices.length === records.length);
    const again = await reopened(t, place, store);
    const { devices, sizes } = await listAll(again, {}, 100);
    t.same(sizes.slice(0, 12), Array<number>(12).fill(100), 'full pages');
    t.equal(new Set(idsOf(devices)).size, records.length);
    t.strictSame(devices.find(({ deviceId }) => deviceId === 'device-77'), { ...newDevice('device-77'), lastSeenAt: 78, fCnt: 77 });
    t.same(idsOf((await listAll(again, {}, 7)).devices), idsOf(devices), 'the same order whatever the page');
    again.devices.heard(newDevice('one more'));
    await until('the new one is listed', async () => (await listAll(again, {}, 500)).devices.length === records.length + 1);
    t.same(idsOf((await listAll(again, {}, 500)).devices).filter((id) => id !== 'one more'), idsOf(devices), 'a new one moves nobody');
  });
  await t.test('a list is filtered by network server and by connection', async (t) => {
    const store = await opened(t, await newPlace(t));
    store.devices.heard(newDevice('a', { networkServerId: 'city', connectionIds: ['main', 'zone'] }));
    store.devices.heard(newDevice('b', { networkServerId: 'city', connectionIds: ['main'] }));
    store.devices.heard(newDevice('c', { networkServerId: 'factory', connectionIds: ['zone'] }));
    for (let index = 0; index < 700; index += 1) store.devices.heard(newDevice(`other-${index}`, { networkServerId: 'far', connectionIds: ['away'] }));
    await until('all are listed', async () => (await listAll(store, {}, 500)).devices.length === 703);
    const listed = async (filter: DeviceFilter, limit = 500): Promise<string[]> => idsOf((await listAll(store, filter, limit)).devices).sort();
    t.same(await listed({ networkServerId: 'city' }), ['a', 'b']);
    t.same(await listed({ connectionId: 'zone' }, 1), ['a', 'c']);
    t.same(await listed({ networkServerId: 'city', connectionId: 'zone' }), ['a']);
    t.same(await listed({ networkServerId: 'nobody' }), []);
    t.same(await listed({ connectionId: 'mai' }), []);
    store.devices.heard(newDevice('b', { networkServerId: 'factory', connectionIds: ['zone'] }));
    await until('it has moved', async () => isDeepStrictEqual(await listed({ networkServerId: 'city' }), ['a']));
    t.same(await listed({ connectionId: 'zone' }), ['a', 'b', 'c']);
  });
};

/** Devices with their latest message, and the list of them. The opener is that of `downlink-store.ts`. */
export const devicesContract = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await activity(t, newPlace);
  await listing(t, newPlace);
};
