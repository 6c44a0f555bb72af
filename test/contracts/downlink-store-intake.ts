import type { Test } from 'tap';
import { BridgeError } from '../../src/errors.js';
import type { AddOptions, AddResult, DownlinkStore, Verdict } from '../../src/downlink/ports.js';
import type { Downlink } from '../../src/messages/downlink.js';
import type { NewDownlinkPlace } from './downlink-store.js';
import { opened, rejectsWith, reopened } from './downlink-store-opened.js';
import { addAll, deadlineOf, gate, nameOf, newDownlink, recordWork, retry } from './downlink-store-samples.js';
import { until } from '../support/until.js';

const add = (store: DownlinkStore, downlink: Downlink, changes: Partial<AddOptions> = {}): Promise<AddResult> =>
  store.queue.add(downlink, { delivery: 'submit', windowMs: 60_000, capacity: 1_000, ...changes });

const stateOf = (result: Promise<AddResult>): Promise<string> => result.then(({ state }) => state, (error: unknown) => (error instanceof BridgeError ? error.reason : String(error)));
const replaced = ({ notices }: AddResult): string[] => notices.map(({ downlink }) => nameOf(downlink));

const adding = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await t.test('a downlink is handed out as it was added', async (t) => {
    const store = await opened(t, await newPlace(t));
    const { payload: _, fPort: __, correlationId: ___, ...bare } = newDownlink('b', 'b');
    const rich = [
      newDownlink('a «é» 温度', 'a', { options: { FCntDn: 7, priority: 'HIGH', list: [1, { deep: null }] }, confirmed: true, payload: 'ff'.repeat(242) }),
      { ...bare, object: { led: { on: true, ratio: 0.25 }, text: 'Zürich' }, networkServer: { id: 'city', kind: 'the-things-stack' } } as const,
    ];
    t.strictSame(await add(store, rich[0] ?? bare), { state: 'stored', notices: [] });
    await add(store, rich[1] ?? bare);
    const work = recordWork();
    store.queue.start(work);
    await until('both are handed out', () => work.handed.length === 2);
    const queued = work.handed.map(({ queued: one }) => one).sort((one, other) => one.downlink.deviceId.localeCompare(other.downlink.deviceId));
    t.strictSame(queued, rich.map((downlink) => ({ downlink, attempts: 0 })));
  });
  await t.test('nothing is handed out before start', async (t) => {
    const store = await opened(t, await newPlace(t));
    const work = recordWork();
    await add(store, newDownlink('a', 'd'));
    t.equal((await store.queue.totals('main')).waiting, 1);
    t.equal(work.handed.length, 0);
    store.queue.start(work);
    await add(store, newDownlink('b', 'd'));
    await until('both are handed out', () => work.handed.length === 2);
    t.same(work.names(), ['a', 'b']);
  });
  await t.test('the same id again is a duplicate: at once, after it left, and after a restart', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    t.same(await Promise.all([stateOf(add(store, newDownlink('a', 'd'))), stateOf(add(store, newDownlink('a', 'd'))), stateOf(add(store, newDownlink('b', 'd')))]), ['stored', 'duplicate', 'stored']);
    t.equal(await stateOf(add(store, newDownlink('a', 'd'))), 'duplicate');
    const work = recordWork();
    store.queue.start(work);
    await until('the queue is empty', async () => (await store.queue.totals('main')).waiting === 0);
    t.same(work.names(), ['a', 'b']);
    t.strictSame(await add(store, newDownlink('b', 'd')), { state: 'duplicate', notices: [] });
    const again = await reopened(t, place, store);
    t.equal(await stateOf(add(again, newDownlink('a', 'd'))), 'duplicate');
    t.equal((await again.queue.totals('main')).waiting, 0);
  });
  await t.test('after the window it is another downlink', async (t) => {
    const store = await opened(t, await newPlace(t));
    const work = recordWork();
    store.queue.start(work);
    await add(store, newDownlink('a', 'd'), { windowMs: 100 });
    await until('it has left', async () => (await store.queue.totals('main')).waiting === 0);
    await until('it is stored again', async () => (await stateOf(add(store, newDownlink('a', 'd'), { windowMs: 100 }))) === 'stored');
    await until('it leaves again', () => work.handed.length === 2);
  });
  await t.test('after close nothing is taken in', async (t) => {
    const store = await opened(t, await newPlace(t));
    await store.close(deadlineOf(10_000));
    await rejectsWith(t, add(store, newDownlink('a', 'd')), 'stopping');
  });
};

const capacity = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await t.test('a connection with as many waiting as allowed refuses, and keeps nothing of what it refused', async (t) => {
    const store = await opened(t, await newPlace(t));
    const two = { capacity: 2 };
    await Promise.all([add(store, newDownlink('a', 'd'), two), add(store, newDownlink('b', 'e'), { ...two, delivery: 'mailbox' })]);
    await rejectsWith(t, add(store, newDownlink('c', 'f'), two), 'downlink_queue_full');
    t.equal(await stateOf(add(store, newDownlink('a', 'd'), two)), 'duplicate', 'what is there may come again');
    t.equal(await stateOf(add(store, newDownlink('x', 'd', { connectionId: 'other' }), two)), 'stored', 'another connection has room');
    t.equal((await store.queue.totals('main')).waiting, 2);
    t.equal(await stateOf(add(store, newDownlink('c', 'f'), { capacity: 3 })), 'stored', 'the refused one is not remembered');
    const work = recordWork();
    store.queue.start(work);
    await until('there is room again', async () => (await stateOf(add(store, newDownlink('g', 'f'), two))) !== 'downlink_queue_full');
    await until('all left', () => work.handed.length === 4);
    t.same(work.names('f'), ['c', 'g']);
  });
  await t.test('the limit holds for many at once', async (t) => {
    const store = await opened(t, await newPlace(t));
    const states = await Promise.all(Array.from({ length: 12 }, (_, index) => stateOf(add(store, newDownlink(`m${index}`, `d${index}`), { capacity: 5 }))));
    t.same(states, [...Array<string>(5).fill('stored'), ...Array<string>(7).fill('downlink_queue_full')]);
    t.equal((await store.queue.totals('main')).waiting, 5);
  });
  await t.test('one that replaces others fits where they were', async (t) => {
    const store = await opened(t, await newPlace(t));
    await addAll(store, [newDownlink('a', 'd'), newDownlink('b', 'd')]);
    t.same(replaced(await add(store, newDownlink('c', 'd', { flush: true }), { capacity: 2 })), ['a', 'b']);
    t.equal((await store.queue.totals('main')).waiting, 1);
  });
};

const flushing = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await t.test('a flush replaces what waits for its device, oldest first, and says so', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    const a = newDownlink('a', 'd');
    t.strictSame((await add(store, newDownlink('first', 'z', { flush: true }))).notices, [], 'nothing was there');
    await add(store, a);
    await addAll(store, [newDownlink('b', 'd', { connectionId: 'other' }), newDownlink('other', 'e')]);
    const result = await add(store, newDownlink('c', 'd', { flush: true }));
    t.equal(result.state, 'stored');
    t.same(replaced(result), ['a', 'b']);
    t.match(result.notices[0], { downlink: a, state: 'failed', cause: { code: 'downlink_replaced' } });
    t.equal(new Set(result.notices.map(({ key }) => key)).size, 2, 'each notice has a key of its own');
    t.equal((await store.queue.totals('other')).waiting, 0);
    await add(store, newDownlink('after', 'd'));
    t.strictSame(await add(store, newDownlink('c', 'd', { flush: true })), { state: 'duplicate', notices: [] }, 'redelivered, it replaces nothing more');
    const again = await reopened(t, place, store);
    const work = recordWork();
    again.queue.start(work);
    await until('all is handed out', () => work.handed.length === 4);
    t.same(work.names('d'), ['c', 'after']);
    t.same(work.names('e'), ['other']);
  });
  await t.test('a flush replaces what was added in the same moment', async (t) => {
    const store = await opened(t, await newPlace(t));
    const results = await Promise.all([add(store, newDownlink('a', 'd')), add(store, newDownlink('b', 'd')), add(store, newDownlink('c', 'd', { flush: true })), add(store, newDownlink('e', 'd'))]);
    t.same(results.map(({ state }) => state), ['stored', 'stored', 'stored', 'stored']);
    t.same(replaced(results[2]), ['a', 'b']);
    const work = recordWork();
    store.queue.start(work);
    await until('the rest is handed out', async () => (await store.queue.totals('main')).waiting === 0);
    t.same(work.names(), ['c', 'e']);
  });
  await t.test('what is being submitted is not replaced and keeps its place', async (t) => {
    const store = await opened(t, await newPlace(t));
    const answer = gate<Verdict>();
    const work = recordWork({ submit: ({ attempts }) => (attempts === 0 ? answer.opened : { kind: 'done' }) });
    store.queue.start(work);
    await add(store, newDownlink('head', 'd'));
    await until('the head is handed out', () => work.handed.length === 1);
    await addAll(store, [newDownlink('a', 'd'), newDownlink('b', 'd')]);
    t.same(replaced(await add(store, newDownlink('c', 'd', { flush: true }))), ['a', 'b']);
    answer.open(retry(1));
    await until('the last is handed out', () => work.names().includes('c'));
    t.same(work.names(), ['head', 'head', 'c']);
  });
  await t.test('what waits for its next attempt is replaced, and its device need not wait for it', async (t) => {
    const store = await opened(t, await newPlace(t));
    const work = recordWork({ submit: ({ downlink }) => (nameOf(downlink) === 'head' ? retry(1, 600_000) : { kind: 'done' }) });
    store.queue.start(work);
    await add(store, newDownlink('head', 'd'));
    await until('the head was refused and can be replaced', async () => {
      const name = `try${work.handed.length}-${Math.random()}`;
      return work.handed.length > 0 && replaced(await add(store, newDownlink(name, 'd', { flush: true }))).includes('head');
    });
    await until('its device goes on', async () => (await store.queue.totals('main')).waiting === 0);
    t.equal(work.names().filter((name) => name === 'head').length, 1);
  });
};

export const intakeContract = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await adding(t, newPlace);
  await capacity(t, newPlace);
  await flushing(t, newPlace);
};
