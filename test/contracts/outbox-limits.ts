import type { Test } from 'tap';
import type { Append } from '../../src/uplink/ports.js';
import { names, newAppend, newParkedAppend, newRecord, outboxSettings, readAll, rejectsWith, statesOf, type OutboxSettings, type OutboxUnderTest } from './outbox-samples.js';

export interface LimitSettings extends OutboxSettings {
  readonly maxMessages: number;
}

/** Opens a new, empty outbox. */
export type OpenLimited = (t: Test, settings: LimitSettings) => Promise<OutboxUnderTest>;

interface Limited {
  readonly name: string;
  readonly settings: LimitSettings;
  /** How many of the messages fit. */
  readonly fits: number;
}

const payload = Buffer.alloc(1_000);
const park = { reason: 'topic_invalid', detail: '' } as const;
const one = (name: string): Append => newAppend(name, { payload });
const unlimited = { maxBytes: 1e9, maxMessages: 1e9 };

const settleOldest = async (outbox: OutboxUnderTest, count: number): Promise<void> =>
  outbox.settle((await readAll(outbox)).slice(0, count).map((record) => ({ outcome: 'delivered', record })));

const limitHolds = async (t: Test, open: OpenLimited, { settings, fits }: Limited): Promise<void> => {
  await t.test('what fits is taken, the next is refused and not ready is said; below the limit it goes on by itself', async (t) => {
    const outbox = await open(t, settings);
    for (const name of names(fits)) t.same(await statesOf(outbox.append([one(name)])), ['stored']);
    await rejectsWith(t, outbox.append([one('over')]), 'outbox_full');
    t.equal(outbox.unwritable(), 'outbox_full');
    t.equal(outbox.pending('main').messages, fits);
    t.same(await statesOf(outbox.append([one('m0')])), ['duplicate'], 'a duplicate needs no room');
    t.same(await statesOf(outbox.append([{ ...one('filtered'), records: [] }])), ['stored'], 'nor does a message that no flow wants');
    await settleOldest(outbox, 1);
    t.equal(outbox.unwritable(), undefined);
    t.same(await statesOf(outbox.append([one('over')])), ['stored'], 'what was refused is no duplicate');
    await rejectsWith(t, outbox.append([one('over again')]), 'outbox_full');
  });
  await t.test('a batch is refused as a whole, and the outbox counts as full until it would fit', async (t) => {
    const outbox = await open(t, settings);
    await outbox.append(names(fits - 1).map(one));
    await rejectsWith(t, outbox.append([one('x'), one('y')]), 'outbox_full');
    t.equal(outbox.pending('main').messages, fits - 1);
    t.equal(outbox.unwritable(), 'outbox_full');
    await settleOldest(outbox, 1);
    t.equal(outbox.unwritable(), undefined);
    t.same(await statesOf(outbox.append([one('x'), one('y')])), ['stored', 'stored']);
  });
  await t.test('what is being written counts', async (t) => {
    const outbox = await open(t, settings);
    const outcomes = await Promise.allSettled(names(3 * fits).map((name) => outbox.append([one(name)])));
    t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, fits);
    t.equal(outbox.pending('main').messages, fits);
  });
  await t.test('every connection counts', async (t) => {
    const outbox = await open(t, settings);
    await outbox.append(names(fits).map((name, index) => newAppend(name, { payload, connectionId: index % 2 === 0 ? 'main' : 'other' })));
    await rejectsWith(t, outbox.append([newAppend('over', { payload, connectionId: 'third' })]), 'outbox_full');
  });
  await t.test('parked messages need no such room, until they are replayed', async (t) => {
    const outbox = await open(t, settings);
    await outbox.append(names(fits).map(one));
    await outbox.append([newParkedAppend('p', park, { payload })]);
    const parked = await outbox.parked({}, { after: -1, limit: 10 });
    t.equal(parked.length, 1);
    const replays = parked.map((record) => ({ parked: record, record: newRecord('p', { payload }) }));
    await rejectsWith(t, outbox.replay(replays), 'outbox_full');
    await settleOldest(outbox, 1);
    t.equal((await outbox.replay(replays)).length, 1);
    await rejectsWith(t, outbox.append([one('over')]), 'outbox_full');
  });
};

/** The limits of the number of pending messages and of their bytes. */
export const limitsContract = async (t: Test, open: OpenLimited): Promise<void> => {
  const probe = await open(t, { ...outboxSettings, ...unlimited });
  await probe.append([one('probe')]);
  const { bytes } = probe.pending('main');
  const fits = 20;
  const kinds: readonly Limited[] = [
    { name: 'messages', settings: { ...outboxSettings, ...unlimited, maxMessages: fits }, fits },
    // Texts of the records differ by some bytes.
    { name: 'bytes', settings: { ...outboxSettings, ...unlimited, maxBytes: Math.floor((fits + 0.5) * bytes) }, fits },
  ];
  for (const kind of kinds) await t.test(`the limit of ${kind.name}`, (t) => limitHolds(t, open, kind));
};
