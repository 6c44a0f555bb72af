import type { Test } from 'tap';
import type { Collected, DownlinkStore, Notice, Verdict } from '../../src/downlink/ports.js';
import type { NewDownlinkPlace } from './downlink-store.js';
import { opened, reopened } from './downlink-store-opened.js';
import { addAll, done, gate, nameOf, newDownlink, recordWork, retry } from './downlink-store-samples.js';
import { until } from '../support/until.js';

const request = (store: DownlinkStore, requestId: string, changes: { readonly deviceId?: string; readonly again?: boolean; readonly rememberMs?: number } = {}): Promise<Collected> =>
  store.queue.collect({ deviceId: 's', requestId, again: false, rememberMs: 60_000, ...changes });

const toMailbox = (name: string, validUntil?: number) => newDownlink(name, 's', { networkServer: { id: 'ocean', kind: 'sigfox' }, ...(validUntil === undefined ? {} : { validUntil }) });
const inName = (one: Notice, other: Notice): number => nameOf(one.downlink).localeCompare(nameOf(other.downlink));
const named = (notices: readonly Notice[]): string[] => [...notices].sort(inName).map(({ downlink, state }) => `${nameOf(downlink)} ${state}`);
const past = (): number => Date.now() - 1;

const collecting = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await t.test('a mailbox gives its oldest downlink, which with that is submitted', async (t) => {
    const store = await opened(t, await newPlace(t));
    const [a, b] = [toMailbox('a'), toMailbox('b')];
    for (const downlink of [a, b]) await addAll(store, [downlink], 'mailbox');
    const first = await request(store, 'r1');
    t.strictSame(first.downlink, a);
    t.equal(first.notices.length, 1);
    t.match(first.notices[0], { downlink: a, state: 'submitted' });
    t.match(await store.submitted.of('s'), [{ downlink: a, state: 'submitted', attempts: 1 }]);
    t.strictSame((await request(store, 'r2')).downlink, b);
    t.strictSame(await request(store, 'r3'), { notices: [] });
    t.same((await store.submitted.of('s')).map(({ downlink }) => nameOf(downlink)), ['a', 'b']);
  });
  await t.test('a mailbox is never handed out to be submitted, and holds up nobody', async (t) => {
    const store = await opened(t, await newPlace(t));
    const work = recordWork();
    store.queue.start(work);
    await addAll(store, [toMailbox('a')], 'mailbox');
    await addAll(store, [newDownlink('x', 'd')]);
    await until('the other left', () => work.handed.length === 1);
    t.same(work.names(), ['x']);
    t.equal(nameOf((await request(store, 'r1')).downlink), 'a');
  });
  await t.test('the same request gets the same answer, also at the same time and after a restart', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    t.strictSame(await request(store, 'r0'), { notices: [] });
    for (const name of ['a', 'b']) await addAll(store, [toMailbox(name)], 'mailbox');
    const both = await Promise.all([request(store, 'r1'), request(store, 'r1')]);
    t.same(both.map(({ downlink }) => nameOf(downlink)), ['a', 'a']);
    t.equal(both.flatMap(({ notices }) => notices).length, 1, 'submitted once');
    t.strictSame((await request(store, 'r1', { again: true })), { downlink: both[0].downlink, notices: [] });
    t.strictSame(await request(store, 'r0'), { notices: [] }, 'no downlink is an answer too');
    const other = await reopened(t, place, store);
    t.strictSame(await request(other, 'r1'), { downlink: both[0].downlink, notices: [] });
    t.strictSame(await request(other, 'r0'), { notices: [] });
    t.strictSame(await request(other, 'r1', { deviceId: 'another' }), { notices: [] }, 'another device may use the same request id');
    t.equal(nameOf((await request(other, 'r2')).downlink), 'b');
  });
  await t.test('a request that is known to have come before gets nothing new', async (t) => {
    const store = await opened(t, await newPlace(t));
    await addAll(store, [toMailbox('a')], 'mailbox');
    t.strictSame(await request(store, 'lost', { again: true }), { notices: [] });
    t.equal((await store.queue.totals('main')).waiting, 1);
    t.equal(nameOf((await request(store, 'r1')).downlink), 'a');
  });
  await t.test('an answer is forgotten after its time', async (t) => {
    const store = await opened(t, await newPlace(t));
    for (const name of ['a', 'b']) await addAll(store, [toMailbox(name)], 'mailbox');
    t.equal(nameOf((await request(store, 'r1', { rememberMs: 100 })).downlink), 'a');
    await until('the request is a new one', async () => nameOf((await request(store, 'r1', { rememberMs: 100 })).downlink) === 'b');
  });
  await t.test('a downlink past its validity is not given; many requests at once get each a downlink of their own', async (t) => {
    const store = await opened(t, await newPlace(t));
    await addAll(store, [toMailbox('old', past())], 'mailbox');
    for (const name of ['a', 'b', 'c']) await addAll(store, [toMailbox(name)], 'mailbox');
    const given = await Promise.all(['r1', 'r2', 'r3', 'r4'].map((requestId) => request(store, requestId)));
    t.same(given.map(({ downlink }) => nameOf(downlink)).sort(), ['', 'a', 'b', 'c']);
    t.same(named(await store.queue.expire()), ['old expired']);
    t.strictSame(await store.queue.totals('main'), { waiting: 0 });
  });
  await t.test('a flush replaces what lies in the mailbox', async (t) => {
    const store = await opened(t, await newPlace(t));
    await addAll(store, [toMailbox('a')], 'mailbox');
    const result = await store.queue.add({ ...toMailbox('b'), flush: true }, { delivery: 'mailbox', windowMs: 60_000, capacity: 10 });
    t.same(named(result.notices), ['a failed']);
    t.equal(nameOf((await request(store, 'r1')).downlink), 'b');
    t.strictSame(await request(store, 'r2'), { notices: [] });
  });
};

const expiring = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await t.test('what waits past its validity is taken out, wherever it waits, and nothing else', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    await addAll(store, [toMailbox('m', past())], 'mailbox');
    for (const downlink of [newDownlink('a', 'd'), newDownlink('old', 'd', { validUntil: past() }), newDownlink('b', 'd'), newDownlink('old2', 'e', { validUntil: past(), connectionId: 'other' })]) {
      await addAll(store, [downlink]);
    }
    const notices = await store.queue.expire();
    t.same(named(notices), ['m expired', 'old expired', 'old2 expired']);
    t.strictSame(await store.queue.expire(), [], 'once');
    t.equal((await store.queue.totals('main')).waiting, 2);
    t.equal((await store.queue.totals('other')).waiting, 0);
    const again = await reopened(t, place, store);
    const work = recordWork();
    again.queue.start(work);
    await until('the rest left', async () => (await again.queue.totals('main')).waiting === 0);
    t.same(work.names(), ['a', 'b']);
    t.same(named(await again.queue.notices(0)), named(notices), 'nothing is forgotten before it is said');
  });
  await t.test('what is being submitted does not expire; what waits for its next attempt does', async (t) => {
    const store = await opened(t, await newPlace(t));
    const answer = gate<Verdict>();
    const work = recordWork({ submit: ({ downlink }) => (nameOf(downlink) === 'head' ? answer.opened : done) });
    store.queue.start(work);
    const validUntil = Date.now() + 300;
    await addAll(store, [newDownlink('head', 'd', { validUntil })]);
    await until('it is being submitted', () => work.handed.length === 1);
    await until('its validity is over', () => Date.now() > validUntil);
    t.strictSame(await store.queue.expire(), []);
    await addAll(store, [newDownlink('next', 'd')]);
    answer.open(retry(1, 600_000));
    let expired: readonly Notice[] = [];
    await until('it expires', async () => (expired = await store.queue.expire()).length > 0);
    t.same(named(expired), ['head expired']);
    await until('its device goes on', () => work.handed.length === 2);
    t.same(work.names(), ['head', 'next']);
  });
};

const noticing = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await t.test('notices of every kind are kept, also over a restart, until they are forgotten', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    await addAll(store, [toMailbox('m')], 'mailbox');
    await addAll(store, [newDownlink('a', 'd'), newDownlink('old', 'e', { validUntil: past() })]);
    const made = [
      ...(await store.queue.add(newDownlink('c', 'd', { flush: true }), { delivery: 'submit', windowMs: 60_000, capacity: 10 })).notices,
      ...(await store.queue.expire()),
      ...(await request(store, 'r1')).notices,
    ];
    const all = ['a failed', 'm submitted', 'old expired'];
    t.same(named(made), all);
    t.strictSame(await store.queue.notices(600_000), [], 'none is that old');
    await until('all are there', async () => (await store.queue.notices(0)).length === 3);
    const again = await reopened(t, place, store);
    const kept = await again.queue.notices(0);
    t.strictSame([...kept].sort(inName), [...made].sort(inName), 'unchanged');
    await again.queue.forget(kept.filter(({ state }) => state !== 'expired'));
    t.same(named(await again.queue.notices(0)), ['old expired']);
    await again.queue.forget(kept);
    await again.queue.forget([]);
    t.strictSame(await again.queue.notices(0), [], 'forgetting twice does no harm');
    t.strictSame(await (await reopened(t, place, again)).queue.notices(0), []);
  });
};

export const collectContract = async (t: Test, newPlace: NewDownlinkPlace): Promise<void> => {
  await collecting(t, newPlace);
  await expiring(t, newPlace);
  await noticing(t, newPlace);
};
