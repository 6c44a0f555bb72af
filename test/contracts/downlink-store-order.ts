import type { Test } from 'tap';
import type { Verdict } from '../../src/downlink/ports.js';
import type { NewDownlinkPlace } from './downlink-store.js';
import { opened, reopened } from './downlink-store-opened.js';
import { addAll, deadlineOf, done, gate, nameOf, newDownlink, recordWork, retry } from './downlink-store-samples.js';
import { until } from '../support/until.js';

const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
const downlinksOf = (deviceId: string, count: number) => names(`${deviceId}-`, count).map((name) => newDownlink(name, deviceId));

const order = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await t.test('the downlinks of a device leave in the order added, one at a time', async (t) => {
    const store = await opened(t, await newPlace(t));
    const work = recordWork({ submit: () => new Promise((resolve) => setImmediate(() => { resolve(done); })) });
    await addAll(store, ['a', 'b', 'c'].flatMap((deviceId) => downlinksOf(deviceId, 5)));
    store.queue.start(work);
    await addAll(store, ['a', 'b', 'c'].flatMap((deviceId) => [newDownlink(`${deviceId}-5`, deviceId)]));
    await until('all left', () => work.handed.length === 18);
    for (const deviceId of ['a', 'b', 'c']) t.same(work.names(deviceId), names(`${deviceId}-`, 6));
    t.equal(work.mostOfOneDevice(), 1);
  });
  await t.test('a retried downlink keeps its place while other devices go on', async (t) => {
    const store = await opened(t, await newPlace(t));
    let othersDone = 0;
    const work = recordWork({
      submit({ downlink, attempts }) {
        if (downlink.deviceId !== 'stuck') othersDone += 1;
        return nameOf(downlink) !== 'stuck-0' || othersDone >= 20 ? done : retry(attempts + 1);
      },
    });
    await addAll(store, downlinksOf('stuck', 3));
    store.queue.start(work);
    await until('it was tried twice', () => work.handed.length >= 2);
    await addAll(store, ['a', 'b', 'c', 'd'].flatMap((deviceId) => downlinksOf(deviceId, 5)));
    await until('all left', async () => (await store.queue.totals('main')).waiting === 0);
    const stuck = work.handed.filter(({ queued }) => queued.downlink.deviceId === 'stuck');
    t.same(stuck.map(({ name }) => name), [...Array<string>(stuck.length - 2).fill('stuck-0'), 'stuck-1', 'stuck-2']);
    t.same(stuck.map(({ queued }) => queued.attempts), [...stuck.slice(0, -2).keys(), 0, 0]);
    for (const deviceId of ['a', 'b', 'c', 'd']) t.same(work.names(deviceId), names(`${deviceId}-`, 5));
  });
  await t.test('an attempt that does not count leaves the number as it was', async (t) => {
    const store = await opened(t, await newPlace(t));
    const verdicts = [retry(0), retry(1), retry(1), retry(2), done];
    const work = recordWork({ submit: () => verdicts.shift() ?? done });
    await addAll(store, downlinksOf('d', 1));
    store.queue.start(work);
    await until('it left', async () => (await store.queue.totals('main')).waiting === 0);
    t.same(work.handed.map(({ queued }) => queued.attempts), [0, 0, 1, 1, 2]);
  });
  await t.test('a device waits as long as the verdict says, others do not', async (t) => {
    const store = await opened(t, await newPlace(t));
    const work = recordWork({ submit: ({ downlink }) => (downlink.deviceId === 'waiting' ? retry(1, 600_000) : done) });
    await addAll(store, downlinksOf('waiting', 2));
    store.queue.start(work);
    await until('it was tried', () => work.handed.length === 1);
    for (const name of names('n', 20)) await addAll(store, [newDownlink(name, 'other')]);
    await until('the others left', () => work.names('other').length === 20);
    await until('only what waits is left', async () => (await store.queue.totals('main')).waiting === 2);
    t.same(work.names('waiting'), ['waiting-0']);
  });
  await t.test('slow submits of some devices hold up neither each other nor other connections', async (t) => {
    const store = await opened(t, await newPlace(t));
    const answers = gate<Verdict>();
    const work = recordWork({ submit: ({ downlink }) => (downlink.deviceId.startsWith('slow') ? answers.opened : done) });
    store.queue.start(work);
    await addAll(store, names('slow', 8).flatMap((deviceId) => downlinksOf(deviceId, 2)));
    await until('all heads are being submitted', () => work.handed.length === 8);
    await addAll(store, [newDownlink('x', 'quick'), newDownlink('y', 'elsewhere', { connectionId: 'other' })]);
    await until('the quick ones left', () => work.handed.length === 10);
    t.equal(work.mostOfOneDevice(), 1);
    answers.open(done);
    await until('the rest left', () => work.handed.length === 18);
    t.equal(work.mostOfOneDevice(), 1);
  });
};

const holding = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await t.test('what must wait for its network server takes nothing from the rate and holds up nobody', async (t) => {
    const store = await opened(t, await newPlace(t), { ratePerSecond: () => 20 });
    let dead = true;
    const held = { networkServer: { id: 'dead', kind: 'chirpstack' } } as const;
    const work = recordWork({ holdMs: ({ networkServer }) => (dead && networkServer.id === 'dead' ? 30 : 0) });
    await addAll(store, names('h', 60).map((deviceId) => newDownlink(deviceId, deviceId, held)));
    store.queue.start(work);
    await until('they were asked about again', () => work.asked() > 120);
    t.equal(await store.queue.headroom('main'), 20, 'nothing was taken');
    await addAll(store, names('alive', 10).map((deviceId) => newDownlink(deviceId, deviceId)));
    await until('the others left', () => work.handed.length === 10);
    t.same(work.names().sort(), names('alive', 10));
    dead = false;
    await until('the held ones leave when it is over', () => work.handed.length === 70);
  });
};

const stopping = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await t.test('close hands out nothing more, waits for the submit under way and keeps its verdict', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    const answer = gate<Verdict>();
    const work = recordWork({ submit: () => answer.opened });
    await addAll(store, downlinksOf('d', 2));
    store.queue.start(work);
    await until('the first is being submitted', () => work.handed.length === 1);
    let closed = false;
    const closing = store.close(deadlineOf(10_000)).then(() => { closed = true; });
    await new Promise((resolve) => setImmediate(resolve));
    t.equal(closed, false, 'it waits');
    answer.open(done);
    await closing;
    t.same(work.names(), ['d-0']);
    const again = await opened(t, place);
    const more = recordWork();
    again.queue.start(more);
    await until('the second is handed out', () => more.handed.length === 1);
    await until('nothing is left', async () => (await again.queue.totals('main')).waiting === 0);
    t.same(more.names(), ['d-1']);
  });
  await t.test('a submit that outlasts the deadline does not hold up the close, and its downlink is not lost', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    const answer = gate<Verdict>();
    const work = recordWork({ submit: () => answer.opened });
    await addAll(store, downlinksOf('d', 2));
    store.queue.start(work);
    await until('the first is being submitted', () => work.handed.length === 1);
    await store.close(deadlineOf(100));
    answer.open(done);
    const again = await opened(t, place);
    const more = recordWork();
    again.queue.start(more);
    await until('both are handed out', async () => (await again.queue.totals('main')).waiting === 0);
    t.same(more.names(), ['d-0', 'd-1']);
  });
  await t.test('what waits, its order and its attempts survive a restart; what is done does not come back', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    const work = recordWork({ submit: ({ downlink, attempts }) => (nameOf(downlink) === 'd-1' ? retry(attempts + 3, 200) : done) });
    await addAll(store, [...downlinksOf('d', 4), ...downlinksOf('e', 3)]);
    store.queue.start(work);
    await until('the second one was tried', () => work.names('d').length >= 2 && work.names('e').length === 3);
    const again = await reopened(t, place, store);
    t.equal((await again.queue.totals('main')).waiting, 3);
    const more = recordWork();
    again.queue.start(more);
    await until('the rest left', async () => (await again.queue.totals('main')).waiting === 0);
    t.same(more.names(), ['d-1', 'd-2', 'd-3']);
    t.equal((more.handed[0]?.queued.attempts ?? 0) % 3, 0);
    t.ok((more.handed[0]?.queued.attempts ?? 0) >= 3, 'the attempts were kept');
    const empty = await reopened(t, place, again);
    t.equal((await empty.queue.totals('main')).waiting, 0);
  });
};

export const handingOutContract = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await order(t, newPlace);
  await holding(t, newPlace);
  await stopping(t, newPlace);
};
