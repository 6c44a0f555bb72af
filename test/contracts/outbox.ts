import type { Test } from 'tap';
import type { Append } from '../../src/uplink/ports.js';
import { copiesContract } from './outbox-copies.js';
import { parkedContract } from './outbox-parked.js';
import { sizesContract } from './outbox-sizes.js';
import {
  hashOf, names, newAppend, newParkedAppend, newRecord, openedOutbox, readAll, rejectsWith, startOfTime, statesOf, topicsOf, type NewPlace,
} from './outbox-samples.js';

const orderAndReading = async (t: Test, newPlace: NewPlace): Promise<void> => {
  await t.test('records are read in the order appended, as they were appended', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    const appends = [newAppend('a'), newAppend('b', { expiresAt: startOfTime + 5, type: 'join', networkServerId: 'city' }), newAppend('c')];
    const results = await outbox.append(appends);
    const read = await readAll(outbox);
    t.same(topicsOf(read), ['a', 'b', 'c']);
    t.strictSame(read.map(({ seq: _, ...record }) => record), appends.flatMap(({ records }) => records.map(({ record }) => record)));
    t.strictSame(results, read.map((record) => ({ state: 'stored', records: [record] })), 'the results hold the records');
  });
  await t.test('positions rise over batches and are the same for results and reads', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    const batches = await Promise.all([outbox.append(names(3, 'x').map((name) => newAppend(name))), outbox.append([newAppend('y')])]);
    await outbox.append([newAppend('z')]);
    const seqs = (await readAll(outbox)).map(({ seq }) => seq);
    t.same(seqs, [...seqs].sort((one, other) => one - other));
    t.equal(new Set(seqs).size, 5);
    t.same(batches.flat().map((result) => (result.state === 'stored' ? result.records[0]?.seq : undefined)), seqs.slice(0, 4));
  });
  await t.test('reading goes on after a position, up to a count and a size', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    await outbox.append(names(10).map((name) => newAppend(name, { payload: Buffer.alloc(1_000) })));
    const first = await outbox.read('main', 0, 4, 1e9);
    t.same(topicsOf(first), names(4));
    const last = first.at(-1)?.seq ?? 0;
    t.same(topicsOf(await outbox.read('main', last, 100, 1e9)), names(10).slice(4));
    const small = await outbox.read('main', 0, 100, 3_500);
    t.ok(small.length >= 3 && small.length <= 4, `about 3,500 bytes: ${small.length} records`);
    t.equal((await outbox.read('main', 0, 100, 1)).length, 1, 'a record larger than the limit is still read, alone');
    t.same(await outbox.read('main', 0, 0, 1e9), []);
    t.same(await outbox.read('main', (await readAll(outbox)).at(-1)?.seq ?? 0, 100, 1e9), []);
    t.same(await outbox.read('unknown', 0, 100, 1e9), []);
  });
  await t.test('single records are read by position, in the order asked', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    await outbox.append(names(4).map((name) => newAppend(name)));
    const [a, b, c, d] = await readAll(outbox);
    if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error('four records were appended');
    await outbox.settle([{ outcome: 'delivered', record: b }]);
    t.same(topicsOf(await outbox.readSome('main', [d.seq, b.seq, a.seq, 4_000_000, c.seq])), ['m3', 'm0', 'm2']);
    t.same(await outbox.readSome('unknown', [a.seq]), []);
  });
  await t.test('any bytes and any text come back unchanged', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    const bytes = Buffer.from(Array.from({ length: 1_024 }, (_, index) => index & 0xff));
    const topic = 'usine/Zürich/温度/🌡/é';
    await outbox.append([newAppend('a', { payload: bytes, topic }), newAppend('b', { payload: Buffer.alloc(0), topic: '', deviceId: '' }), newAppend('c', { payload: Buffer.alloc(131_072, 7) })]);
    const [a, b, c] = await readAll(outbox);
    t.ok(a?.payload.equals(bytes));
    t.equal(a?.topic, topic);
    t.match(b, { topic: '', deviceId: '' });
    t.equal(b?.payload.length, 0);
    t.ok(c?.payload.equals(Buffer.alloc(131_072, 7)));
    await readAll(outbox);
    t.ok(a?.payload.equals(bytes), 'what was read stays valid after later reads');
  });
  await t.test('two connections are kept apart and share one sequence', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    await outbox.append(names(6).map((name, index) => newAppend(name, { connectionId: index % 2 === 0 ? 'main' : 'other' })));
    t.same(topicsOf(await readAll(outbox, 'main')), ['m0', 'm2', 'm4']);
    t.same(topicsOf(await readAll(outbox, 'other')), ['m1', 'm3', 'm5']);
    const seqs = [...(await readAll(outbox, 'main')), ...(await readAll(outbox, 'other'))].map(({ seq }) => seq);
    t.equal(new Set(seqs).size, 6);
    t.equal(outbox.pending('main').messages, 3);
    const [first] = await readAll(outbox, 'other');
    if (first !== undefined) await outbox.settle([{ outcome: 'delivered', record: first }]);
    t.equal(outbox.pending('main').messages, 3);
    t.equal(outbox.pending('other').messages, 2);
  });
};

const duplicates = async (t: Test, newPlace: NewPlace): Promise<void> => {
  await t.test('the second of two with one key is a duplicate: in one batch, while the first is written, and later', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    const first = outbox.append([newAppend('a'), newAppend('b'), newAppend('a')]);
    const second = outbox.append([newAppend('b'), newAppend('c')]);
    t.same(await statesOf(first), ['stored', 'stored', 'duplicate']);
    t.same(await statesOf(second), ['duplicate', 'stored']);
    t.same(await statesOf(outbox.append([newAppend('c'), newAppend('a')])), ['duplicate', 'duplicate']);
    t.same(topicsOf(await readAll(outbox)), ['a', 'b', 'c']);
  });
  await t.test('a duplicate of a batch that is being written is not answered before it', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    const order: string[] = [];
    const first = outbox.append([newAppend('a')]).then(() => order.push('first'));
    const second = outbox.append([newAppend('a')]).then(() => order.push('second'));
    await Promise.all([first, second]);
    t.same(order, ['first', 'second']);
  });
  await t.test('the same hash at another event time is another message', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    const later = { ...newAppend('a'), eventTimeMs: startOfTime + 60_000 };
    t.same(await statesOf(outbox.append([newAppend('a'), later, { ...newAppend('a'), eventTimeMs: 0 }])), ['stored', 'stored', 'stored']);
  });
  await t.test('a message is still known after it was settled, and after a restart', async (t) => {
    const place = await newPlace(t);
    const outbox = await openedOutbox(t, place);
    await outbox.append([newAppend('a'), { ...newAppend('b'), eventTimeMs: 0 }]);
    await outbox.settle((await readAll(outbox)).map((record) => ({ outcome: 'delivered', record })));
    await outbox.close();
    const again = await openedOutbox(t, place);
    t.same(await statesOf(again.append([newAppend('a'), { ...newAppend('b'), eventTimeMs: 0 }])), ['duplicate', 'duplicate']);
    t.same(await readAll(again), []);
  });
  await t.test('the window counts from arrival', async (t) => {
    let now = startOfTime;
    const outbox = await openedOutbox(t, await newPlace(t), { now: () => now });
    const late = { ...newAppend('late'), eventTimeMs: startOfTime - 10 * 7_200_000 };
    const early = { ...newAppend('early'), eventTimeMs: startOfTime + 10 * 7_200_000 };
    await outbox.append([newAppend('a'), late, early]);
    now += 7_199_999;
    t.same(await statesOf(outbox.append([newAppend('a'), late, early])), ['duplicate', 'duplicate', 'duplicate']);
    now += 1;
    t.same(await statesOf(outbox.append([newAppend('a'), late, early])), ['stored', 'stored', 'stored']);
    now += 7_199_999;
    t.same(await statesOf(outbox.append([newAppend('a')])), ['duplicate'], 'counted from the second arrival');
  });
  await t.test('a key alone is remembered and nothing is kept', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    const filtered: Append = { dedupKey: hashOf('f'), eventTimeMs: startOfTime, records: [] };
    t.strictSame(await outbox.append([filtered]), [{ state: 'stored', records: [] }]);
    t.same(await statesOf(outbox.append([newAppend('f')])), ['duplicate']);
    t.same(outbox.pending('main'), { messages: 0, bytes: 0 });
  });
  await t.test('nothing of a refused batch is remembered, and its duplicates are refused with it', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t), { maxBytes: 10_000 });
    const large = newAppend('large', { payload: Buffer.alloc(20_000) });
    await rejectsWith(t, outbox.append([newAppend('a'), large, newAppend('a')]), 'outbox_full');
    t.same(await readAll(outbox), []);
    t.same(await statesOf(outbox.append([newAppend('a')])), ['stored']);
  });
};

const settling = async (t: Test, newPlace: NewPlace): Promise<void> => {
  await t.test('delivered and expired records are gone, parked ones are kept with their reason', async (t) => {
    const place = await newPlace(t);
    const outbox = await openedOutbox(t, place);
    await outbox.append(names(4).map((name) => newAppend(name)));
    const [a, b, c] = await readAll(outbox);
    if (a === undefined || b === undefined || c === undefined) throw new Error('three records were appended');
    await outbox.settle([{ outcome: 'expired', record: b }, { outcome: 'delivered', record: a }, { outcome: 'parked', record: c, reason: 'publish_forbidden', detail: 'policy «é»' }]);
    t.same(topicsOf(await readAll(outbox)), ['m3']);
    const parked = [{ ...c, reason: 'publish_forbidden', detail: 'policy «é»', parkedAt: startOfTime }];
    t.strictSame(await outbox.parked({ connectionId: 'main' }, { after: 0, limit: 10 }), parked);
    await outbox.close();
    const again = await openedOutbox(t, place);
    t.same(topicsOf(await readAll(again)), ['m3']);
    t.strictSame(await again.parked({ connectionId: 'main' }, { after: 0, limit: 10 }), parked);
  });
  await t.test('settling twice counts once', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    await outbox.append(names(3).map((name) => newAppend(name)));
    const [a, b] = await readAll(outbox);
    if (a === undefined || b === undefined) throw new Error('two records were appended');
    await Promise.all([outbox.settle([{ outcome: 'delivered', record: a }, { outcome: 'delivered', record: a }]), outbox.settle([{ outcome: 'expired', record: a }])]);
    await outbox.settle([{ outcome: 'delivered', record: a }, { outcome: 'parked', record: a, reason: 'expired', detail: '' }]);
    t.equal(outbox.pending('main').messages, 2);
    t.same(await outbox.parked({ connectionId: 'main' }, { after: 0, limit: 10 }), []);
    await outbox.settle([{ outcome: 'delivered', record: { ...b, connectionId: 'unknown' } }]);
    await outbox.settle([]);
    t.same(topicsOf(await readAll(outbox)), ['m1', 'm2']);
  });
  await t.test('a message parked at once is never pending', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    const park = { reason: 'topic_unresolved', detail: 'deviceName' } as const;
    t.strictSame(await outbox.append([newParkedAppend('a', park)]), [{ state: 'stored', records: [] }]);
    t.same(await readAll(outbox), []);
    t.equal(outbox.pending('main').messages, 0);
    const [parked] = await outbox.parked({ connectionId: 'main' }, { after: 0, limit: 10 });
    t.match(parked, { ...park, parkedAt: startOfTime, ...newRecord('a') });
    t.same(await statesOf(outbox.append([newAppend('a')])), ['duplicate']);
  });
};

const totalsAndLimits = async (t: Test, newPlace: NewPlace): Promise<void> => {
  await t.test('totals and the oldest time follow what is pending', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    t.equal(outbox.oldestAcceptedAt('main'), undefined);
    await outbox.append(names(3).map((name, index) => newAppend(name, { acceptedAt: startOfTime + index })));
    const full = outbox.pending('main');
    t.equal(full.messages, 3);
    t.ok(full.bytes > 3 * 'payload of m0'.length);
    t.equal(outbox.oldestAcceptedAt('main'), startOfTime);
    const [a, b, c] = await readAll(outbox);
    if (a === undefined || b === undefined || c === undefined) throw new Error('three records were appended');
    await outbox.settle([{ outcome: 'delivered', record: b }]);
    t.equal(outbox.oldestAcceptedAt('main'), startOfTime);
    await outbox.settle([{ outcome: 'delivered', record: a }]);
    t.equal(outbox.oldestAcceptedAt('main'), startOfTime + 2);
    t.equal(outbox.pending('main').bytes, full.bytes / 3);
    await outbox.settle([{ outcome: 'delivered', record: c }]);
    t.same(outbox.pending('main'), { messages: 0, bytes: 0 });
    t.equal(outbox.oldestAcceptedAt('main'), undefined);
    t.same(outbox.pending('unknown'), { messages: 0, bytes: 0 });
  });
  await t.test('a full outbox refuses whole batches, says so, and takes more when there is room', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t), { maxBytes: 20_000 });
    const payload = Buffer.alloc(1_000);
    let accepted = 0;
    while (outbox.unwritable() === undefined && accepted < 100) {
      const batch = [newAppend(`a${accepted}`, { payload }), newAppend(`b${accepted}`, { payload })];
      await outbox.append(batch).then(() => (accepted += 2), (error: unknown) => t.match(error, { reason: 'outbox_full' }));
    }
    t.equal(outbox.unwritable(), 'outbox_full');
    t.ok(accepted >= 12 && accepted < 20, `${accepted} records of 1,000 bytes in 20,000`);
    await rejectsWith(t, Promise.all([outbox.append([newAppend('x', { payload: Buffer.alloc(6_000) })])]), 'outbox_full');
    t.equal((await readAll(outbox)).length, accepted);
    t.same(await statesOf(outbox.append([newAppend('a0', { payload })])), ['duplicate'], 'a duplicate needs no room');
    await outbox.settle((await readAll(outbox)).slice(0, 10).map((record) => ({ outcome: 'delivered', record })));
    t.equal(outbox.unwritable(), undefined);
    t.same(await statesOf(outbox.append([newAppend('x', { payload })])), ['stored']);
  });
  await t.test('batches that are being written count against the limit', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t), { maxBytes: 3_000 });
    const payload = Buffer.alloc(1_000);
    const outcomes = await Promise.allSettled(names(10).map((name) => outbox.append([newAppend(name, { payload })])));
    const stored = outcomes.filter(({ status }) => status === 'fulfilled').length;
    t.ok(stored >= 1 && stored <= 2, `${stored} stored`);
    t.equal(outbox.pending('main').messages, stored);
  });
};

const restarts = async (t: Test, newPlace: NewPlace): Promise<void> => {
  await t.test('everything is there again after a restart, and counted', async (t) => {
    const place = await newPlace(t);
    const outbox = await openedOutbox(t, place);
    await outbox.append([...names(5).map((name) => newAppend(name)), newAppend('o', { connectionId: 'other' })]);
    const before = { records: await readAll(outbox), pending: outbox.pending('main'), other: (await readAll(outbox, 'other')) };
    await outbox.close();
    const again = await openedOutbox(t, place);
    t.strictSame({ records: await readAll(again), pending: again.pending('main'), other: (await readAll(again, 'other')) }, before);
    t.equal(again.restored('main'), 5);
    t.equal(again.restored('other'), 1);
    t.equal(again.restored('unknown'), 0);
    t.equal(again.oldestAcceptedAt('main'), startOfTime);
  });
  await t.test('a position is not used again, even when the last records were settled before the restart', async (t) => {
    const place = await newPlace(t);
    let highest = 0;
    for (const round of ['one', 'two', 'three']) {
      const outbox = await openedOutbox(t, place);
      await outbox.append([newAppend(`${round}a`), newAppend(`${round}b`, { connectionId: 'other' })]);
      const records = [...(await readAll(outbox)), ...(await readAll(outbox, 'other'))];
      const lowest = Math.min(...records.map(({ seq }) => seq));
      t.ok(lowest > highest, `${lowest} is above ${highest}`);
      highest = Math.max(...records.map(({ seq }) => seq));
      await outbox.settle(records.map((record) => ({ outcome: 'delivered', record })));
      await outbox.close();
    }
  });
  await t.test('close keeps what was handed over before it, and refuses what comes after', async (t) => {
    const place = await newPlace(t);
    const outbox = await openedOutbox(t, place);
    await outbox.append([newAppend('a'), newAppend('b')]);
    const [a] = await readAll(outbox);
    if (a === undefined) throw new Error('a record was appended');
    const appended = outbox.append([newAppend('c')]);
    const settled = outbox.settle([{ outcome: 'delivered', record: a }]);
    const closed = outbox.close();
    await rejectsWith(t, outbox.append([newAppend('d')]), 'stopping');
    await Promise.all([appended, settled, closed]);
    t.equal(outbox.unwritable(), 'stopping');
    await outbox.close();
    const again = await openedOutbox(t, place);
    t.same(topicsOf(await readAll(again)), ['b', 'c']);
  });
};

/** The behaviour that every implementation of the ports `Outbox` and `ParkedMessages` must show. */
export const outboxContract = async (t: Test, newPlace: NewPlace): Promise<void> => {
  await orderAndReading(t, newPlace);
  await duplicates(t, newPlace);
  await settling(t, newPlace);
  await sizesContract(t, newPlace);
  await totalsAndLimits(t, newPlace);
  await restarts(t, newPlace);
  await copiesContract(t, newPlace);
  await parkedContract(t, newPlace);
};
