import type { Test } from 'tap';
import type { Append } from '../../src/uplink/ports.js';
import { hashOf, names, newAppend, newRecord, openedOutbox, readAll, rejectsWith, startOfTime, statesOf, topicsOf, type NewPlace } from './outbox-samples.js';

const park = { reason: 'topic_unresolved', detail: 'deviceName' } as const;

/** One message for several connections; those named in `parked` are parked at once. */
const copiesOf = (name: string, connectionIds: readonly string[], parked: readonly string[] = [], payload = Buffer.from(name)): Append => ({
  dedupKey: hashOf(name),
  eventTimeMs: startOfTime,
  records: connectionIds.map((connectionId) => ({ record: newRecord(name, { connectionId, payload }), ...(parked.includes(connectionId) ? { park } : {}) })),
});

/** A message that goes to several connections is one message: one key, all of its records or none. */
export const copiesContract = async (t: Test, newPlace: NewPlace): Promise<void> => {
  await t.test('one message for several connections: each has its own record, in the order given', async (t) => {
    const place = await newPlace(t);
    const outbox = await openedOutbox(t, place);
    const results = await outbox.append([copiesOf('a', ['main', 'other', 'third'], ['other']), newAppend('b')]);
    t.same(results.map((result) => (result.state === 'stored' ? result.records.map(({ connectionId }) => connectionId) : [])), [['main', 'third'], ['main']]);
    t.same(results.flatMap((result) => (result.state === 'stored' ? result.records : [])), [...(await readAll(outbox, 'main')).slice(0, 1), ...(await readAll(outbox, 'third')), ...(await readAll(outbox, 'main')).slice(1)]);
    t.match(await outbox.parked({}, { after: -1, limit: 10 }), [{ connectionId: 'other', ...park }]);
    const seqs = [...(await readAll(outbox)), ...(await readAll(outbox, 'third')), ...(await outbox.parked({}, { after: -1, limit: 10 }))].map(({ seq }) => seq);
    t.equal(new Set(seqs).size, 4, 'positions are unique over connections');
    const [third] = await readAll(outbox, 'third');
    if (third !== undefined) await outbox.settle([{ outcome: 'delivered', record: third }]);
    t.same(topicsOf(await readAll(outbox)), ['a', 'b'], 'settling one copy leaves the others');
    await outbox.close();
    const again = await openedOutbox(t, place);
    t.equal(again.restored('main'), 2);
    t.equal(again.restored('third'), 0);
  });
  await t.test('the message again is a duplicate, whichever connections it is for', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t));
    t.same(await statesOf(outbox.append([copiesOf('a', ['main', 'other']), copiesOf('a', ['third'])])), ['stored', 'duplicate']);
    t.same(await statesOf(outbox.append([copiesOf('a', ['third']), copiesOf('a', [])])), ['duplicate', 'duplicate']);
    t.same(await readAll(outbox, 'third'), []);
  });
  await t.test('an outbox without room for all copies keeps none', async (t) => {
    const outbox = await openedOutbox(t, await newPlace(t), { maxBytes: 10_000 });
    const large = copiesOf('large', names(3, 'c'), [], Buffer.alloc(4_000));
    await rejectsWith(t, outbox.append([large]), 'outbox_full');
    for (const connectionId of names(3, 'c')) t.same(await readAll(outbox, connectionId), []);
    t.same(await statesOf(outbox.append([copiesOf('large', names(2, 'c'), [], Buffer.alloc(4_000))])), ['stored'], 'its key is not remembered');
  });
};
