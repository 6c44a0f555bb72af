import type { Test } from 'tap';
import type { NewDownlinkPlace } from './downlink-store.js';
import { opened } from './downlink-store-opened.js';
import { addAll, mostInOneSecond, newDownlink, recordWork, type RecordedWork } from './downlink-store-samples.js';
import { until } from '../support/until.js';

const toDevices = (count: number, connectionId: string, name = 'n') =>
  Array.from({ length: count }, (_, index) => newDownlink(`${connectionId}-${name}${index}`, `${connectionId}-device-${index}`, { connectionId }));

const timesOf = (work: RecordedWork, connectionId?: string): number[] =>
  work.handed.filter(({ queued }) => connectionId === undefined || queued.downlink.connectionId === connectionId).map(({ at }) => at);

/** As in the end-to-end test: how fast a machine is that others use as well is told, and judged only where a rate is demanded. */
const least = Number(process.env['DOWNLINK_RATE_LEAST'] ?? 0);

export const rateContract = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await t.test('300 downlinks at once leave at no more than 100 a second', async (t) => {
    const store = await opened(t, await newPlace(t), { ratePerSecond: () => 100 });
    const work = recordWork();
    await addAll(store, toDevices(300, 'main'));
    store.queue.start(work);
    await until('all left', () => work.handed.length === 300);
    const times = timesOf(work);
    t.ok(mostInOneSecond(times) <= 100, `${mostInOneSecond(times)} in one second`);
    const rate = ((times.length - 1) * 1_000) / ((times.at(-1) ?? 0) - (times[0] ?? 0));
    t.comment(`${rate.toFixed(1)} a second`);
    if (least > 0) t.ok(rate >= least, `at least ${least} a second: ${rate.toFixed(1)}`);
  });
  await t.test('a pause saves nothing up', async (t) => {
    const store = await opened(t, await newPlace(t), { ratePerSecond: () => 40 });
    const work = recordWork();
    store.queue.start(work);
    await addAll(store, toDevices(25, 'main'));
    await until('the first left', () => work.handed.length === 25);
    await until('the rate is free again', async () => (await store.queue.headroom('main')) === 40);
    await addAll(store, toDevices(90, 'main', 'later'));
    await until('the rest left', () => work.handed.length === 115);
    t.ok(mostInOneSecond(timesOf(work)) <= 40, `${mostInOneSecond(timesOf(work))} in one second`);
  });
  await t.test('each connection has a rate of its own', async (t) => {
    const rates: Readonly<Record<string, number>> = { slow: 10, quick: 40 };
    const store = await opened(t, await newPlace(t), { ratePerSecond: (connectionId) => rates[connectionId] ?? 1 });
    const work = recordWork();
    await addAll(store, [...toDevices(15, 'slow'), ...toDevices(60, 'quick')]);
    store.queue.start(work);
    await until('all left', () => work.handed.length === 75);
    t.ok(mostInOneSecond(timesOf(work, 'slow')) <= 10);
    t.ok(mostInOneSecond(timesOf(work, 'quick')) <= 40);
    t.ok(mostInOneSecond(timesOf(work, 'quick')) > 10, 'the quick one is not held to the rate of the slow one');
  });
  await t.test('headroom is what the rate leaves of the last second', async (t) => {
    const store = await opened(t, await newPlace(t), { ratePerSecond: () => 30 });
    t.equal(await store.queue.headroom('main'), 30);
    const work = recordWork();
    store.queue.start(work);
    await addAll(store, toDevices(60, 'main'));
    await until('some of it is used', async () => (await store.queue.headroom('main')) < 25);
    t.ok((await store.queue.headroom('main')) >= 0);
    t.equal(await store.queue.headroom('other'), 30, 'another connection has its own');
    await until('all left', () => work.handed.length === 60);
    await until('all of it is free again', async () => (await store.queue.headroom('main')) === 30);
  });
  await t.test('totals are counted for each connection, with the oldest time', async (t) => {
    const store = await opened(t, await newPlace(t));
    t.strictSame(await store.queue.totals('main'), { waiting: 0 });
    const start = Date.now();
    await addAll(store, [newDownlink('b', 'd', { receivedAt: start - 5_000 }), newDownlink('a', 'e', { receivedAt: start - 9_000 }), newDownlink('x', 'd', { connectionId: 'other', receivedAt: start })]);
    await addAll(store, [newDownlink('m', 's', { receivedAt: start - 20_000 })], 'mailbox');
    t.strictSame(await store.queue.totals('main'), { waiting: 3, oldestReceivedAt: start - 20_000 });
    t.strictSame(await store.queue.totals('other'), { waiting: 1, oldestReceivedAt: start });
    await store.queue.collect({ deviceId: 's', requestId: 'r', again: false, rememberMs: 60_000 });
    t.strictSame(await store.queue.totals('main'), { waiting: 2, oldestReceivedAt: start - 9_000 });
    store.queue.start(recordWork());
    await until('all left', async () => (await store.queue.totals('main')).waiting === 0);
    t.strictSame(await store.queue.totals('main'), { waiting: 0 });
  });
};
