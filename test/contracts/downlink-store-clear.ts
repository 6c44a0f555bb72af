import type { Test } from 'tap';
import type { DownlinkStore, Notice, Verdict } from '../../src/downlink/ports.js';
import type { NewDownlinkPlace } from './downlink-store.js';
import { opened, reopened } from './downlink-store-opened.js';
import { addAll, done, gate, nameOf, newDownlink, recordWork, retry } from './downlink-store-samples.js';
import { until } from '../support/until.js';

const waitingNames = async (store: DownlinkStore, deviceId: string): Promise<string[]> => (await store.queue.waiting(deviceId)).map(({ downlink }) => nameOf(downlink));
const named = (notices: readonly Notice[]): string[] => notices.map(({ downlink, state, cause }) => `${nameOf(downlink)} ${state} ${cause?.code ?? ''}`).sort();

const waiting = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await t.test('what waits for a device is told oldest first, what is being submitted and its mailbox included', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    t.strictSame(await store.queue.waiting('d'), []);
    const a = newDownlink('a', 'd', { object: { on: true } });
    await addAll(store, [a]);
    await addAll(store, [newDownlink('b', 'd')]);
    await addAll(store, [newDownlink('c', 'd')], 'mailbox');
    await addAll(store, [newDownlink('x', 'e')]);
    t.same(await waitingNames(store, 'd'), ['a', 'b', 'c']);
    t.strictSame((await store.queue.waiting('d'))[0], { downlink: a, attempts: 0 });
    const again = await reopened(t, place, store);
    const answer = gate<Verdict>();
    const work = recordWork({ submit: ({ attempts }) => (attempts === 0 ? answer.opened : retry(1, 600_000)) });
    again.queue.start(work);
    await until('the first is being submitted', () => work.names('d').length === 1);
    t.same(await waitingNames(again, 'd'), ['a', 'b', 'c']);
    answer.open(retry(1, 600_000));
    await until('its attempt is counted', async () => (await again.queue.waiting('d'))[0]?.attempts === 1);
    t.same(await waitingNames(again, 'd'), ['a', 'b', 'c']);
  });
  await t.test('what left does not wait any more', async (t) => {
    const store = await opened(t, await newPlace(t));
    await addAll(store, [newDownlink('a', 'd')]);
    await addAll(store, [newDownlink('m', 'd')], 'mailbox');
    store.queue.start(recordWork());
    await until('it left', async () => (await waitingNames(store, 'd')).length === 1);
    await store.queue.collect({ deviceId: 'd', requestId: 'r', again: false, rememberMs: 60_000 });
    t.strictSame(await store.queue.waiting('d'), []);
  });
};

const clearing = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await t.test('clearing takes out all that waits for a device, its mailbox too, and says so until it is forgotten', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    t.strictSame(await store.queue.clear('d'), [], 'nothing was there');
    await addAll(store, [newDownlink('a', 'd'), newDownlink('b', 'd', { connectionId: 'other' }), newDownlink('x', 'e')]);
    await addAll(store, [newDownlink('m', 'd')], 'mailbox');
    const notices = await store.queue.clear('d');
    t.same(named(notices), ['a failed downlink_deleted', 'b failed downlink_deleted', 'm failed downlink_deleted']);
    t.equal(new Set(notices.map(({ key }) => key)).size, 3);
    t.strictSame(await store.queue.waiting('d'), []);
    t.equal((await store.queue.totals('main')).waiting, 1, 'another device keeps its own');
    t.equal((await store.queue.totals('other')).waiting, 0);
    t.strictSame(await store.queue.clear('d'), [], 'once');
    t.equal((await store.queue.add(newDownlink('a', 'd'), { delivery: 'submit', windowMs: 60_000, capacity: 10 })).state, 'duplicate', 'its id is still known');
    const again = await reopened(t, place, store);
    t.same(named(await again.queue.notices(0)), named(notices));
    const work = recordWork();
    again.queue.start(work);
    await until('the other left', async () => (await again.queue.totals('main')).waiting === 0);
    t.same(work.names(), ['x']);
    t.strictSame(await again.queue.collect({ deviceId: 'd', requestId: 'r', again: false, rememberMs: 1_000 }), { notices: [] });
    await again.queue.forget(notices);
    t.strictSame(await again.queue.notices(0), []);
  });
  await t.test('what is being submitted is not cleared; what waits for its next attempt is', async (t) => {
    const store = await opened(t, await newPlace(t));
    const answer = gate<Verdict>();
    const work = recordWork({ submit: ({ downlink }) => (nameOf(downlink) === 'head' ? answer.opened : done) });
    store.queue.start(work);
    await addAll(store, [newDownlink('head', 'd')]);
    await until('it is being submitted', () => work.handed.length === 1);
    await addAll(store, [newDownlink('a', 'd')]);
    t.same(named(await store.queue.clear('d')), ['a failed downlink_deleted']);
    t.same(await waitingNames(store, 'd'), ['head']);
    answer.open(retry(1, 600_000));
    let cleared: readonly Notice[] = [];
    await until('it waits for its next attempt and is cleared', async () => (cleared = await store.queue.clear('d')).length > 0);
    t.same(named(cleared), ['head failed downlink_deleted']);
    await addAll(store, [newDownlink('later', 'd')]);
    await until('its device goes on', () => work.handed.length === 2);
    t.same(work.names(), ['head', 'later']);
  });
  await t.test('hundreds are cleared, and clearing twice at once tells each once', async (t) => {
    const store = await opened(t, await newPlace(t));
    const names = Array.from({ length: 1_200 }, (_, index) => `n${index}`);
    await addAll(store, names.map((name) => newDownlink(name, 'd')));
    const both = await Promise.all([store.queue.clear('d'), store.queue.clear('d')]);
    t.same(both.flat().map(({ downlink }) => nameOf(downlink)).sort(), [...names].sort());
    t.equal((await store.queue.totals('main')).waiting, 0);
  });
};

/** What waits for a device, and clearing it. The opener is that of `downlink-store.ts`. */
export const clearContract = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await waiting(t, newPlace);
  await clearing(t, newPlace);
};
