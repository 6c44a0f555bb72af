import { isDeepStrictEqual } from 'node:util';
import type { Test } from 'tap';
import type { ThingRecord } from '../../src/uplink/ports.js';
import type { NewDownlinkPlace } from './downlink-store.js';
import { opened, reopened } from './downlink-store-opened.js';
import { until } from '../support/until.js';

const thing = (connectionId: string, deviceId: string, more: Partial<ThingRecord> = {}): ThingRecord => ({
  connectionId,
  deviceId,
  thingName: deviceId.toUpperCase(),
  state: 'ready',
  since: 1_000,
  ...more,
});

const byConnection = (records: readonly ThingRecord[]): ThingRecord[] => [...records].sort((one, other) => one.connectionId.localeCompare(other.connectionId));

/** What every adapter must remember of things. The opener is that of `downlink-store.ts`; only `things` is looked at. */
export const thingMemoryContract = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await t.test('a thing is remembered by connection and device, also after a restart', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    t.equal(await store.things.find('main', 'a'), undefined);
    t.strictSame(await store.things.of('a'), []);
    const first = thing('main', 'a', { state: 'failed', reason: 'registry_forbidden', detail: 'iot:CreateThing on «é»', attributes: { site: 'Zürich', empty: '' } });
    const other = thing('zone', 'a', { thingName: 'another-name', state: 'pending' });
    for (const record of [first, other, thing('main', 'b')]) store.things.put(record);
    await until('all are known', async () => (await store.things.of('a')).length === 2 && (await store.things.find('main', 'b')) !== undefined);
    t.strictSame(await store.things.find('main', 'a'), first);
    t.strictSame(byConnection(await store.things.of('a')), [first, other]);
    const again = await reopened(t, place, store);
    t.strictSame(await again.things.find('main', 'a'), first);
    t.strictSame(byConnection(await again.things.of('a')), [first, other]);
    t.equal(await again.things.find('zone', 'b'), undefined);
    const ready = thing('main', 'a', { since: 2_000 });
    again.things.put(ready);
    await until('the change is known', async () => isDeepStrictEqual(await again.things.find('main', 'a'), ready));
    t.strictSame(await (await reopened(t, place, again)).things.find('main', 'a'), ready, 'what it had before is gone');
  });
  await t.test('of many puts of one thing the last counts', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    for (let since = 1; since <= 200; since += 1) store.things.put(thing('main', 'a', { since }));
    const again = await reopened(t, place, store);
    t.equal((await again.things.find('main', 'a'))?.since, 200);
  });
  await t.test('forgetting takes every thing of one connection, and nothing else; what comes afterwards is remembered', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    const ids = Array.from({ length: 1_500 }, (_, index) => `device-${index}`);
    for (const id of ids) {
      store.things.put(thing('main', id));
      store.things.put(thing('zone', id));
    }
    const again = await reopened(t, place, store);
    again.things.put(thing('main', 'not yet written'));
    await again.things.forget('main');
    t.equal(await again.things.find('main', 'not yet written'), undefined);
    const left = await Promise.all(ids.map((id) => again.things.of(id)));
    t.equal(left.filter((records) => records.length === 1 && records[0]?.connectionId === 'zone').length, ids.length);
    const fresh = thing('main', 'device-7', { since: 5_000 });
    again.things.put(fresh);
    await until('the new one is known', async () => isDeepStrictEqual(await again.things.find('main', 'device-7'), fresh));
    await again.things.forget('never there');
    const third = await reopened(t, place, again);
    t.equal(await third.things.find('main', 'device-8'), undefined, 'forgotten for good');
    t.strictSame(await third.things.find('main', 'device-7'), fresh);
    t.strictSame(byConnection(await third.things.of('device-7')), [fresh, thing('zone', 'device-7')]);
    await third.things.forget('main');
    t.equal(await third.things.find('main', 'device-7'), undefined, 'a second time');
    t.ok(await third.things.find('zone', 'device-7'));
  });
};
