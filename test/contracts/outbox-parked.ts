import type { Test } from 'tap';
import type { NewRecord, ParkedFilter, ParkedMessages, ParkedRecord, Replay } from '../../src/uplink/ports.js';
import { names, newAppend, newParkedAppend, newRecord, openedOutbox, readAll, rejectsWith, startOfTime, statesOf, topicsOf, type NewPlace } from './outbox-samples.js';

const invalid = { reason: 'topic_invalid', detail: '' } as const;
const forbidden = { reason: 'publish_forbidden', detail: 'policy «é»' } as const;

const allOf = (outbox: ParkedMessages, filter: ParkedFilter = {}): Promise<ParkedRecord[]> => outbox.parked(filter, { after: -1, limit: 100_000 });

/** What a replay appends: the record as it was, changed a little. */
const replayOf = (parked: ParkedRecord, changes: Partial<NewRecord> = {}): Replay => {
  const { connectionId, messageId, networkServerId, deviceId, type, topic, payload, expiresAt } = parked;
  return { parked, record: { connectionId, messageId, networkServerId, deviceId, type, topic, payload, acceptedAt: startOfTime + 1, expiresAt, ...changes } };
};

const listing = async (t: Test, newPlace: NewPlace): Promise<void> => {
  await t.test('parked messages are listed in the order of their positions over all connections, page by page', async (t) => {
    const place = await newPlace(t);
    const outbox = await openedOutbox(t, place);
    t.same(await allOf(outbox), []);
    for (const [index, name] of names(40).entries()) await outbox.append([newParkedAppend(name, invalid, { connectionId: `c${index % 3}` }), newAppend(`kept${index}`, { connectionId: `c${index % 3}` })]);
    await outbox.close();
    const again = await openedOutbox(t, place);
    t.same(topicsOf(await allOf(again)), names(40));
    const found: ParkedRecord[] = [];
    for (let page = await again.parked({}, { after: -1, limit: 7 }); page.length > 0; page = await again.parked({}, { after: found.at(-1)?.seq ?? 0, limit: 7 })) found.push(...page);
    t.same(topicsOf(found), names(40));
    t.same(topicsOf(await allOf(again, { connectionId: 'c1' })), names(40).filter((_, index) => index % 3 === 1));
    t.same(topicsOf(await again.parked({ connectionId: 'c1' }, { after: found[4]?.seq ?? 0, limit: 2 })), ['m7', 'm10']);
    t.same(await again.parked({ connectionId: 'unknown' }, { after: -1, limit: 10 }), []);
    t.same(await again.parked({}, { after: -1, limit: 0 }), []);
    t.same(await again.parked({}, { after: found.at(-1)?.seq ?? 0, limit: 10 }), []);
  });
  await t.test('parked messages are filtered by network server, device and reason, all at once', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    await outbox.append([
      newParkedAppend('a', invalid),
      newParkedAppend('b', forbidden, { deviceId: 'd2' }),
      newParkedAppend('c', forbidden, { deviceId: 'd2', networkServerId: 'city', connectionId: 'other' }),
      newParkedAppend('d', invalid, { deviceId: 'd2', networkServerId: 'city', payload: Buffer.alloc(100_000) }),
    ]);
    const named = async (filter: ParkedFilter, limit = 10): Promise<string[]> => topicsOf(await outbox.parked(filter, { after: -1, limit }));
    t.same(await named({ reason: 'publish_forbidden' }), ['b', 'c']);
    t.same(await named({ deviceId: 'd2' }), ['b', 'c', 'd']);
    t.same(await named({ deviceId: 'd2' }, 2), ['b', 'c']);
    t.same(await named({ networkServerId: 'city' }), ['c', 'd']);
    t.same(await named({ connectionId: 'main', networkServerId: 'city', deviceId: 'd2', reason: 'topic_invalid' }), ['d']);
    t.same(await named({ connectionId: 'other', reason: 'topic_invalid' }), []);
    t.same(await named({ deviceId: 'd' }), []);
    t.match(await outbox.parked({ reason: 'publish_forbidden' }, { after: -1, limit: 1 }), [{ ...newRecord('b', { deviceId: 'd2' }), ...forbidden, parkedAt: startOfTime }]);
  });
  await t.test('parked messages are read by their positions', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    await outbox.append([newParkedAppend('a', invalid), newAppend('b'), newParkedAppend('c', forbidden, { connectionId: 'other' })]);
    const [a, c] = await allOf(outbox);
    if (a === undefined || c === undefined) throw new Error('two were parked');
    const pending = (await readAll(outbox))[0]?.seq ?? 0;
    t.strictSame(await outbox.parkedAt([c.seq, a.seq, 987_654, pending]), [c, a], 'what is not parked is left out');
    t.same(await outbox.parkedAt([]), []);
    t.same(await outbox.parkedAt([-1, 0, 0.5, Number.NaN, 2 ** 60]), []);
  });
};

const replaying = async (t: Test, newPlace: NewPlace): Promise<void> => {
  await t.test('a replayed message is pending again, at a new position, and not parked any more', async (t) => {
    const place = await newPlace(t);
    const outbox = await openedOutbox(t, place);
    await outbox.append([newParkedAppend('a', forbidden), newParkedAppend('b', forbidden), newAppend('c')]);
    const [a, b] = await allOf(outbox);
    if (a === undefined || b === undefined) throw new Error('two were parked');
    const replay = replayOf(a, { connectionId: 'other', topic: 'new/a', payload: Buffer.from('new') });
    const replayed = await outbox.replay([replay]);
    t.strictSame(replayed, await readAll(outbox, 'other'), 'with another connection and topic when they are given');
    t.strictSame(replayed.map(({ seq: _, ...record }) => record), [replay.record]);
    t.ok((replayed[0]?.seq ?? 0) > ((await readAll(outbox))[0]?.seq ?? Infinity), 'behind all that was there');
    t.same(outbox.pending('other').messages, 1);
    t.strictSame(await allOf(outbox), [b]);
    t.same(await statesOf(outbox.append([newAppend('a')])), ['duplicate'], 'its key is remembered as before');
    await outbox.close();
    const again = await openedOutbox(t, place);
    t.strictSame(await readAll(again, 'other'), replayed);
    t.equal(again.restored('other'), 1);
    t.strictSame(await allOf(again), [b]);
    await again.settle((await readAll(again, 'other')).map((record) => ({ outcome: 'parked', record, ...invalid })));
    t.same(topicsOf(await allOf(again)), ['b', 'a'], 'it may be parked again');
  });
  await t.test('a message is replayed once, however often it is asked', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    await outbox.append(names(5).map((name) => newParkedAppend(name, forbidden)));
    const batch = (await allOf(outbox)).map((parked) => replayOf(parked));
    const [first, second] = await Promise.all([outbox.replay([...batch.slice(0, 3), ...batch.slice(0, 3)]), outbox.replay(batch)]);
    t.same([...topicsOf(first), ...topicsOf(second)], names(5));
    t.strictSame(await outbox.replay(batch), []);
    t.strictSame(await outbox.replay([]), []);
    t.same(topicsOf(await readAll(outbox)), names(5));
    t.same(await allOf(outbox), []);
  });
  await t.test('replaying and discarding the same message at the same time does one of both', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    await outbox.append(names(6).map((name) => newParkedAppend(name, forbidden)));
    const parked = await allOf(outbox);
    const seqs = parked.map(({ seq }) => seq);
    const [replayed, discarded] = await Promise.all([outbox.replay(parked.slice(0, 4).map((record) => replayOf(record))), outbox.discard(seqs)]);
    t.equal(replayed.length + discarded, 6);
    t.equal((await readAll(outbox)).length, replayed.length);
    t.same(await allOf(outbox), []);
  });
  await t.test('an outbox without room refuses, and all stays parked', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t), { maxBytes: 5_000 });
    await outbox.append(names(4).map((name) => newParkedAppend(name, forbidden, { payload: Buffer.alloc(2_000) })));
    const parked = await allOf(outbox);
    await rejectsWith(t, outbox.replay(parked.map((record) => replayOf(record))), 'outbox_full');
    t.strictSame(await allOf(outbox), parked);
    t.same(outbox.pending('main'), { messages: 0, bytes: 0 });
    t.equal((await outbox.replay(parked.slice(0, 2).map((record) => replayOf(record)))).length, 2);
    await rejectsWith(t, outbox.replay(parked.slice(2).map((record) => replayOf(record))), 'outbox_full');
    await outbox.settle((await readAll(outbox)).map((record) => ({ outcome: 'delivered', record })));
    t.equal((await outbox.replay(parked.slice(2).map((record) => replayOf(record)))).length, 2, 'when there is room, it goes');
  });
  await t.test('after close nothing is replayed or discarded', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    await outbox.append([newParkedAppend('a', forbidden)]);
    const parked = await allOf(outbox);
    await outbox.close();
    await rejectsWith(t, outbox.replay(parked.map((record) => replayOf(record))), 'stopping');
    await rejectsWith(t, outbox.discard(parked.map(({ seq }) => seq)), 'stopping');
  });
};

const discarding = async (t: Test, newPlace: NewPlace): Promise<void> => {
  await t.test('discarded messages are gone for good', async (t) => {
    const place = await newPlace(t);
    const outbox = await openedOutbox(t, place);
    await outbox.append([newParkedAppend('a', invalid), newParkedAppend('b', forbidden, { connectionId: 'other' }), newParkedAppend('c', invalid), newAppend('d')]);
    const [a, b, c] = (await allOf(outbox)).map(({ seq }) => seq);
    const pending = (await readAll(outbox))[0]?.seq ?? 0;
    t.equal(await outbox.discard([a ?? 0, b ?? 0, a ?? 0, 987_654, pending, Number.NaN]), 2);
    t.same(topicsOf(await allOf(outbox)), ['c']);
    t.same(topicsOf(await readAll(outbox)), ['d'], 'what is pending cannot be discarded');
    t.equal(await outbox.discard([a ?? 0]), 0);
    t.equal(await outbox.discard([]), 0);
    const [first, second] = await Promise.all([outbox.discard([c ?? 0]), outbox.discard([c ?? 0])]);
    t.equal(first + second, 1);
    await outbox.close();
    const again = await openedOutbox(t, place);
    t.same(await allOf(again), []);
    t.same(await statesOf(again.append([newAppend('a')])), ['duplicate']);
  });
  await t.test('what waits for a connection can be parked whole, and the connection used again', async (t) => {
    const place = await newPlace(t);
    const outbox = await openedOutbox(t, place);
    await outbox.append(names(50).map((name) => newAppend(name, { connectionId: 'gone' })));
    await outbox.settle((await readAll(outbox, 'gone')).map((record) => ({ outcome: 'parked', record, reason: 'connection_deleted', detail: '' })));
    t.same(outbox.pending('gone'), { messages: 0, bytes: 0 });
    t.same(topicsOf(await allOf(outbox, { connectionId: 'gone', reason: 'connection_deleted' })), names(50));
    await outbox.discard((await allOf(outbox)).map(({ seq }) => seq));
    await outbox.close();
    const again = await openedOutbox(t, place);
    await again.append([newAppend('new', { connectionId: 'fresh' }), newAppend('again', { connectionId: 'gone' })]);
    t.same(topicsOf(await readAll(again, 'fresh')), ['new']);
    t.same(topicsOf(await readAll(again, 'gone')), ['again']);
    await again.close();
    const third = await openedOutbox(t, place);
    t.same(topicsOf(await readAll(third, 'fresh')), ['new']);
    t.same(topicsOf(await readAll(third, 'gone')), ['again']);
  });
};

/** The behaviour that every implementation of the `ParkedMessages` port must show, beside an `Outbox`. */
export const parkedContract = async (t: Test, newPlace: NewPlace): Promise<void> => {
  await listing(t, newPlace);
  await replaying(t, newPlace);
  await discarding(t, newPlace);
};
