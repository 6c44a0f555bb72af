import t, { type Test } from 'tap';
import { createLogger } from '../../../src/log.js';
import { adoptScript } from '../../../src/store/redis/outbox/slot-scripts.js';
import { openSlotKeeper } from '../../../src/store/redis/slots.js';
import type { OutboxRecord, Settlement } from '../../../src/uplink/ports.js';
import { names, newAppend, newParkedAppend, newRecord, readAll, rejectsWith, statesOf, topicsOf } from '../../contracts/outbox-samples.js';
import { until } from '../../support/until.js';
import { clientFor, redisFor } from './open-store.js';
import { keyOf, openOutbox, type OpenedOutbox } from './open-outbox.js';

const never = { lookMs: 3_600_000 };
const delivered = (records: readonly OutboxRecord[]): Settlement[] => records.map((record) => ({ outcome: 'delivered', record }));
const ofDevice = (name: string, deviceId: string) => newAppend(name, { deviceId });

/** Two replicas under slots `a` and `b`; `a` hears of the other only in the answers to its own calls. */
const openTwo = async (t: Test, tuning = never): Promise<{ readonly url: string; readonly a: OpenedOutbox; readonly b: OpenedOutbox }> => {
  const { url } = await redisFor(t);
  return { url, a: await openOutbox(t, url, {}, tuning), b: await openOutbox(t, url, { name: 'b' }, never) };
};

void t.test('the messages of a device wait under one slot, in order, whichever replica takes them', async (t) => {
  const { a, b } = await openTwo(t);
  await a.outbox.append([ofDevice('m0', 'one')]);
  t.strictSame(await b.outbox.append([ofDevice('m1', 'one'), ofDevice('x0', 'two')]), [{ state: 'stored', records: [] }, { state: 'stored', records: await readAll(b.outbox) }]);
  t.same(b.told.lines, ['moved 1 main'], 'what went to the other replica is not counted here');
  t.same(b.outbox.pending('main').messages, 1);
  const [own] = await a.outbox.append([ofDevice('m2', 'one')]);
  t.match(own, { state: 'stored', records: [newRecord('m2', { deviceId: 'one' })] });
  t.same(a.told.lines, ['found 1 main', 'more main'], 'told with the answer to the next call, before it');
  t.same(topicsOf(await readAll(a.outbox)), ['m0', 'm1', 'm2']);
  t.same(topicsOf(await readAll(b.outbox)), ['x0']);
  t.equal(a.outbox.pending('main').messages, 3);
  const seqs = (await readAll(a.outbox)).map(({ seq }) => seq);
  t.same(seqs, [...seqs].sort((one, other) => one - other));
  await a.outbox.settle(delivered(await readAll(a.outbox)));
  await b.outbox.append([ofDevice('m3', 'one')]);
  t.same(topicsOf(await readAll(b.outbox)), ['x0', 'm3'], 'with nothing left there, the next takes its own way');
});

void t.test('two replicas share what was seen, the limits, the positions and the parked messages', async (t) => {
  const { url } = await redisFor(t);
  const limits = { maxMessages: 3 };
  const { outbox: a } = await openOutbox(t, url, limits, never);
  const { outbox: b } = await openOutbox(t, url, { name: 'b', ...limits }, never);
  const [one, other] = await Promise.all([a.append(names(2).map((name) => ofDevice(name, 'one'))), b.append(names(2).map((name) => ofDevice(name, 'one')))]);
  t.same([...one, ...other].map(({ state }) => state).sort(), ['duplicate', 'duplicate', 'stored', 'stored']);
  t.same(await statesOf(b.append([ofDevice('y', 'two'), newParkedAppend('p', { reason: 'topic_invalid', detail: '' })])), ['stored', 'stored']);
  await rejectsWith(t, a.append([ofDevice('z', 'three')]), 'outbox_full');
  t.equal(a.unwritable(), 'outbox_full');
  t.equal(b.unwritable(), 'outbox_full');
  const parked = await a.parked({}, { after: -1, limit: 10 });
  t.match(parked, [newRecord('p')]);
  const [first, second] = await Promise.all([a.discard([parked[0]?.seq ?? 0]), b.discard([parked[0]?.seq ?? 0])]);
  t.equal(first + second, 1);
  t.match(a.parkedTotals(), { messages: 0, bytes: 0 });
});

void t.test('a replica that does nothing hears of the others all the same', async (t) => {
  const { a, b } = await openTwo(t, { lookMs: 20 });
  await a.outbox.append([ofDevice('m0', 'one')]);
  await b.outbox.append([ofDevice('m1', 'one')]);
  await until('it is told', () => a.told.balance() === 1);
  t.match(a.outbox.pending('main'), { messages: 2 });
  t.equal(a.told.lines.at(-1), 'more main');
});

void t.test('a replayed message goes behind those of its device', async (t) => {
  const { a, b } = await openTwo(t);
  await a.outbox.append([newAppend('m0'), newParkedAppend('p', { reason: 'topic_invalid', detail: '' })]);
  const parked = await b.outbox.parked({}, { after: -1, limit: 10 });
  t.same(await b.outbox.replay(parked.map((one) => ({ parked: one, record: newRecord('p') }))), [], 'it is not this replica that delivers it');
  t.same(topicsOf(await readAll(a.outbox)), ['m0', 'p']);
});

void t.test('the slot of a replica that is gone is taken over while messages come: each device in order, nothing lost, nothing twice', async (t) => {
  const { url, a, b } = await openTwo(t);
  const devices = names(23, 'd');
  const sent = new Map<string, string[]>(devices.map((device) => [device, []]));
  const post = async ({ outbox }: OpenedOutbox, index: number): Promise<void> => {
    const device = devices[index % devices.length] ?? '';
    const name = `n${index}`;
    await outbox.append([ofDevice(name, device)]);
    sent.get(device)?.push(name);
  };
  let posted = 0;
  while (posted < 1_000) await post(a, posted++);
  await b.holder.takeOver('a');
  t.same(await b.outbox.pendingUnder('a'), [{ connectionId: 'main', messages: 1_000 }]);
  const adopting = b.outbox.adopt('a', 'main');
  let adopted: number | undefined;
  void adopting.then((count) => (adopted = count));
  const got: OutboxRecord[] = [];
  while (adopted === undefined) {
    await post(b, posted++);
    const records = await b.outbox.read('main', got.at(-1)?.seq ?? 0, 20, 1e9);
    got.push(...records);
    await b.outbox.settle(delivered(records));
  }
  t.ok((await adopting) >= 1_000);
  t.same(await b.outbox.pendingUnder('a'), []);
  t.equal(b.told.balance(), 1_000, 'found: what it had not appended itself');
  got.push(...(await b.outbox.read('main', got.at(-1)?.seq ?? 0, 100_000, 1e9)));
  t.equal(got.length, posted);
  for (const [device, expected] of sent) t.strictSame(topicsOf(got.filter(({ deviceId }) => deviceId === device)), expected, device);
  await b.outbox.settle(delivered(await readAll(b.outbox)));
  const client = clientFor(t, url);
  t.same(await client.hgetall(keyOf('shared', 'outbox:totals')), { messages: '0', bytes: '0' });
  const left = (await client.keys('*')).filter((key) => /:(out|held|totals|bytes):/.test(key));
  t.same(left, [], 'nothing is left of it');
});

void t.test('a slot that is not held cannot be taken over', async (t) => {
  const { a, b } = await openTwo(t);
  await a.outbox.append([newAppend('m0')]);
  await rejectsWith(t, b.outbox.adopt('a', 'main'), 'store_unavailable');
  t.same(topicsOf(await readAll(a.outbox)), ['m0']);
  await rejectsWith(t, b.outbox.adopt('b', 'main'), 'store_unavailable');
});

void t.test('a replica that dies while it takes a slot over: the two halves of a device keep their order', async (t) => {
  const { url, a, b } = await openTwo(t);
  await a.outbox.append(names(3_000).map((name) => ofDevice(name, 'one')));
  await b.holder.takeOver('a');
  const { outbox: c, holder } = await openOutbox(t, url, { name: 'c' }, never);
  // The first chunk, as if the replica died behind it.
  const closed = b.outbox.adopt('a', 'main').catch(() => undefined);
  await until('a part was moved', () => b.outbox.pending('main').messages > 0);
  await b.outbox.close();
  await closed;
  const [moved, left] = [(await c.pendingUnder('b'))[0]?.messages ?? 0, (await c.pendingUnder('a'))[0]?.messages ?? 0];
  t.ok(moved > 0 && left > 0 && moved + left === 3_000, `${moved} moved, ${left} left`);
  await c.append([ofDevice('late', 'one')]);
  await holder.takeOver('a');
  t.equal(await c.adopt('a', 'main'), 0, 'what stands behind the messages of a third slot stays');
  await holder.takeOver('b');
  t.equal(await c.adopt('b', 'main'), moved);
  t.equal(await c.adopt('a', 'main'), left + 1);
  t.same(topicsOf(await readAll(c)), [...names(3_000), 'late']);
});

void t.test('messages that must stay keep those behind them back, even when the way is free in the middle of it', async (t) => {
  const { url, a, b } = await openTwo(t);
  const { outbox: c, holder } = await openOutbox(t, url, { name: 'c' }, never);
  const others = names(4_000, 'x').map((name, index) => ofDevice(name, `other${index % 50}`));
  await a.outbox.append([...names(21).map((name) => ofDevice(name, 'one')), ...others, ofDevice('last', 'one')]);
  // Replica `b` moves the first twenty, no more: the call of one that died behind it.
  await b.holder.takeOver('a');
  const { token } = b.holder.slot();
  await clientFor(t, url).eval(adoptScript.lua, 1, keyOf('shared', ''), 'b', token, 900, 0, 0, 0, 0, 0, 0, 'a', 'main', 0, 20, 1e6);
  const moved = await readAll(b.outbox);
  t.same(topicsOf(moved), names(20));
  await holder.takeOver('a');
  const adopting = c.adopt('a', 'main');
  await until('a part was moved', () => c.pending('main').messages > 0);
  await clientFor(t, url).del(keyOf('shared', 'call:b'));
  await b.outbox.settle(delivered(moved));
  t.equal(await adopting, 4_000);
  t.equal(await c.adopt('a', 'main'), 2);
  t.same(topicsOf((await readAll(c)).slice(-2)), ['m20', 'last']);
});

void t.test('with the keeper of slots: a replica that is gone is followed by another, and its slot ends', async (t) => {
  const { url } = await redisFor(t);
  const common = { url, keyPrefix: 'kept', leaseMs: 1_000, logger: createLogger('silent'), onChange: () => undefined };
  const open = async (preferred: string, onOrphan: (slot: string) => void) => {
    const keeper = await openSlotKeeper({ ...common, preferred, onOrphan });
    t.teardown(() => keeper.close());
    const { outbox, told } = await openOutbox(t, url, { keyPrefix: 'kept', current: () => keeper.current(), lost: (slot) => keeper.lost(slot) });
    return { keeper, outbox, told };
  };
  const gone = await open('11111111', () => undefined);
  await gone.outbox.append(names(5).map((name) => newAppend(name)));
  const orphans: string[] = [];
  const left = await open('22222222', (slot) => orphans.push(slot));
  await gone.outbox.close();
  await gone.keeper.close();
  await until('it is missed', () => orphans.length > 0);
  t.same(orphans, ['11111111']);
  t.equal(await left.keeper.finish('11111111'), false, 'something is left');
  for (const { connectionId } of await left.outbox.pendingUnder('11111111')) await left.outbox.adopt('11111111', connectionId);
  t.equal(await left.keeper.finish('11111111'), true);
  t.same(topicsOf(await readAll(left.outbox)), names(5));
  t.equal(left.told.balance(), 5);
});

void t.test('a slot that was lost: what comes goes on under the new one, what was counted is told', async (t) => {
  const { a, b, url } = await openTwo(t);
  await a.outbox.append([newAppend('m0'), newAppend('m1', { connectionId: 'other' })]);
  const before = await readAll(a.outbox);
  await b.holder.takeOver('a');
  t.match(await a.outbox.append([ofDevice('m2', 'two')]), [{ state: 'stored', records: [newRecord('m2', { deviceId: 'two' })] }]);
  t.same(a.holder.lost, ['a']);
  t.same([...a.told.lines].sort(), ['moved 1 main', 'moved 1 other']);
  t.same(topicsOf(await readAll(a.outbox)), ['m2']);
  t.match(a.outbox.pending('main'), { messages: 1 });
  t.same(a.outbox.waiting(), ['main']);
  t.equal(await b.outbox.adopt('a', 'main'), 1);
  await a.outbox.settle(delivered(before));
  t.same(topicsOf(await readAll(b.outbox)), ['m0'], 'at a new position');
  t.equal(Number(await clientFor(t, url).get(keyOf('shared', 'outbox:sequence'))), 4);
});

void t.test('a slot that was lost and emptied: what others had put there meanwhile is not told to who held it', async (t) => {
  const { a, b } = await openTwo(t);
  await a.outbox.append(names(3).map((name) => ofDevice(name, 'one')));
  const [m0] = await readAll(a.outbox);
  if (m0 === undefined) throw new Error('three were appended');
  await b.outbox.append([ofDevice('n0', 'one'), ofDevice('n1', 'one')]);
  await b.holder.takeOver('a');
  t.equal(await b.outbox.adopt('a', 'main'), 5);
  await rejectsWith(t, a.outbox.settle(delivered([m0])), 'store_unavailable');
  await a.outbox.append([ofDevice('x0', 'two')]);
  t.same(a.told.lines, ['moved 3 main'], 'what it had counted, and no more');
  t.equal(b.told.balance(), 3, 'five are here, and two it had counted itself');
});

void t.test('what was settled under a slot that is lost is removed and not counted', async (t) => {
  const { a, b } = await openTwo(t);
  await a.outbox.append(names(3).map((name) => newAppend(name)));
  const [m0, m1] = await readAll(a.outbox);
  if (m0 === undefined || m1 === undefined) throw new Error('three were appended');
  await b.holder.takeOver('a');
  await rejectsWith(t, a.outbox.settle(delivered([m0])), 'store_unavailable');
  const late = a.outbox.settle(delivered([m1]));
  await a.holder.take('new');
  await rejectsWith(t, late, 'store_unavailable');
  t.equal(await b.outbox.adopt('a', 'main'), 1, 'what was delivered is not delivered again');
  t.same(topicsOf(await readAll(b.outbox)), ['m2']);
});

void t.test('a note of messages under a slot that has none does not send others there', async (t) => {
  const { a, url } = await openTwo(t);
  await clientFor(t, url).hset(keyOf('shared', 'held:main'), 'one', 'gone:2,lost:3');
  await a.outbox.append([ofDevice('m0', 'one')]);
  t.same(topicsOf(await readAll(a.outbox)), ['m0']);
  t.equal(await clientFor(t, url).hget(keyOf('shared', 'held:main'), 'one'), 'a:1');
});

void t.test('a lease that ran out and that nobody took is no loss', async (t) => {
  const { a, b, url } = await openTwo(t);
  const client = clientFor(t, url);
  await client.del(keyOf('shared', 'lease:a'));
  t.same(await statesOf(a.outbox.append([newAppend('m0')])), ['stored']);
  await b.holder.takeOver('a');
  await client.del(keyOf('shared', 'lease:a'));
  t.same(await statesOf(a.outbox.append([newAppend('m1')])), ['stored']);
  t.same(a.holder.lost, ['a'], 'another one held it in between');
});
