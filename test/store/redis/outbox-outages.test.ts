import type { Redis } from 'ioredis';
import t from 'tap';
import { BridgeError } from '../../../src/errors.js';
import type { OutboxRecord, Settlement } from '../../../src/uplink/ports.js';
import { names, newAppend, newParkedAppend, newRecord, readAll, rejectsWith, statesOf, topicsOf } from '../../contracts/outbox-samples.js';
import { until } from '../../support/until.js';
import { clientFor, readableLogger, redisFor } from './open-store.js';
import { keyOf, newTold, openOutbox } from './open-outbox.js';
import { createLogger } from '../../../src/log.js';
import { openRedisOutbox } from '../../../src/store/redis/outbox/redis-outbox.js';

const delivered = (records: readonly OutboxRecord[]): Settlement[] => records.map((record) => ({ outcome: 'delivered', record }));
const isUnavailable = (error: unknown): boolean => error instanceof BridgeError && error.reason === 'store_unavailable';

void t.test('Redis is killed under load and comes back: nothing that was acknowledged is lost, and each device is in order', async (t) => {
  const redis = await redisFor(t);
  const { outbox, told } = await openOutbox(t, redis.url, {}, { watchMs: 50 });
  const acknowledged: string[][] = [];
  let refused = 0;
  let stopped = false;
  const posting = Array.from({ length: 8 }, async (_, device) => {
    const own: string[] = [];
    acknowledged.push(own);
    for (let index = 0; !stopped; index += 1) {
      try {
        await outbox.append([newAppend(`${device}.${index}`, { deviceId: `d${device}` })]);
        own.push(`${device}.${index}`);
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        refused += 1;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  });
  const count = (): number => acknowledged.reduce((sum, own) => sum + own.length, 0);
  for (const round of [1, 2]) {
    const before = count();
    await until(`messages flow in round ${round}`, () => count() > before + 200);
    await redis.kill();
    await until('it is said', () => outbox.unwritable() === 'store_unavailable');
    await redis.restart();
  }
  const before = count();
  await until('messages flow again', () => count() > before + 200);
  stopped = true;
  await Promise.all(posting);
  const stored = await readAll(outbox);
  t.ok(refused > 0);
  t.equal(outbox.unwritable(), undefined);
  t.equal(outbox.pending('main').messages, stored.length);
  t.equal(count() + told.balance(), stored.length, 'what was refused and is there all the same was told');
  for (const [device, own] of acknowledged.entries()) {
    const there = topicsOf(stored.filter(({ deviceId }) => deviceId === `d${device}`));
    const missing = own.filter((name) => !there.includes(name));
    t.same(missing, [], `device ${device}: nothing is lost`);
    const order = there.map((name) => Number(name.split('.')[1]));
    t.same(order, [...order].sort((one, other) => one - other), 'in order');
  }
});

void t.test('an answer that is lost: the message is found, told, and a duplicate when it comes again', async (t) => {
  const redis = await redisFor(t);
  const { logger, lines } = readableLogger();
  const { outbox, told } = await openOutbox(t, redis.url, { logger }, { watchMs: 50, lookMs: 50 });
  await outbox.append([newAppend('m0'), newAppend('m1')]);
  redis.pause();
  await rejectsWith(t, outbox.append([newAppend('m2')]), 'store_unavailable');
  redis.resume();
  await until('it is told', () => told.balance() === 1);
  t.equal(told.lines[0], 'found 1 main');
  t.same(told.lines.slice(1, 3), ['rewound main', 'more main']);
  t.equal(outbox.pending('main').messages, 3);
  // The probe of the link may have timed out too.
  const read = async (): Promise<OutboxRecord[]> => readAll(outbox).catch(() => []);
  await until('it can be read', async () => (await read()).length === 3);
  const [m0] = await read();
  t.same(topicsOf(await readAll(outbox)), ['m0', 'm1', 'm2']);
  t.same(await statesOf(outbox.append([newAppend('m2')])), ['duplicate']);
  if (m0 === undefined) throw new Error('it was appended');
  redis.pause();
  const settled = outbox.settle(delivered([m0]));
  await until('the answer is given up', () => outbox.unwritable() === 'store_unavailable');
  redis.resume();
  await settled;
  t.equal(outbox.pending('main').messages, 2);
  t.equal(told.balance(), 1, 'what was removed is not mistaken for something else');
  t.same(lines.filter(({ level }) => level === 'error'), [], 'nor for a loss');
  t.same(topicsOf(await readAll(outbox)), ['m1', 'm2']);
});

void t.test('while Redis is away appends are refused at once and what was settled waits; both go on by themselves', async (t) => {
  const redis = await redisFor(t);
  const { outbox } = await openOutbox(t, redis.url, {}, { watchMs: 50 });
  await outbox.append(names(3).map((name) => newAppend(name)));
  const records = await readAll(outbox);
  await redis.kill();
  await until('it is said', () => outbox.unwritable() === 'store_unavailable');
  const settled = outbox.settle(delivered(records.slice(0, 2)));
  await rejectsWith(t, outbox.append([newAppend('m3')]), 'store_unavailable');
  await rejectsWith(t, outbox.read('main', 0, 10, 1_000), 'store_unavailable');
  await rejectsWith(t, outbox.readSome('main', [records[0]?.seq ?? 0]), 'store_unavailable');
  await rejectsWith(t, outbox.parked({}, { after: -1, limit: 10 }), 'store_unavailable');
  await rejectsWith(t, outbox.discard([1]), 'store_unavailable');
  await rejectsWith(t, outbox.adopt('b', 'main'), 'store_unavailable');
  await rejectsWith(t, outbox.pendingUnder('b'), 'store_unavailable');
  t.equal(outbox.pending('main').messages, 3);
  await redis.restart();
  await settled;
  t.same(topicsOf(await readAll(outbox)), ['m2']);
  t.same(await statesOf(outbox.append([newAppend('m3')])), ['stored']);
});

void t.test('what could not be settled before the close is refused', async (t) => {
  const redis = await redisFor(t);
  const { outbox } = await openOutbox(t, redis.url, {}, { watchMs: 50 });
  await outbox.append([newAppend('m0')]);
  const records = await readAll(outbox);
  await redis.kill();
  await until('it is said', () => outbox.unwritable() === 'store_unavailable');
  const settled = rejectsWith(t, outbox.settle(delivered(records)), 'store_unavailable');
  await outbox.close();
  await settled;
});

void t.test('opened while Redis is away, it goes on when Redis comes, and tells what it finds', async (t) => {
  const redis = await redisFor(t);
  const { outbox: first, holder } = await openOutbox(t, redis.url);
  await first.append(names(3).map((name) => newAppend(name)));
  await first.close();
  await redis.kill();
  const told = newTold();
  const settings = { maxBytes: 1e6, maxMessages: 1e6, dedupWindowMs: 1_000, parkedMaxBytes: 1e6, lost: () => Promise.resolve(), logger: createLogger('silent') };
  const outbox = await openRedisOutbox({ url: redis.url, keyPrefix: 'shared', ...settings, slot: holder.slot, listener: () => told.listener }, { watchMs: 50 });
  t.teardown(() => outbox.close());
  t.equal(outbox.unwritable(), 'store_unavailable');
  t.equal(outbox.restored('main'), 0);
  await redis.restart();
  await until('it is found', () => told.balance() === 3);
  t.same(topicsOf(await readAll(outbox)), names(3));
  t.equal(outbox.oldestAcceptedAt('main'), newRecord('m0').acceptedAt);
});

void t.test('a call that Redis takes up after a later one does nothing', async (t) => {
  const redis = await redisFor(t);
  const { outbox, holder } = await openOutbox(t, redis.url, {}, { lookMs: 3_600_000 });
  await clientFor(t, redis.url).set(keyOf('shared', 'call:a'), `${holder.slot().token} 5 900`);
  await rejectsWith(t, outbox.append([newAppend('m0')]), 'store_unavailable');
  t.same(await statesOf(outbox.append([newAppend('m0')])), ['stored'], 'and the next one asks what stands there');
  t.same(topicsOf(await readAll(outbox)), ['m0']);
});

void t.test('positions rise above what was seen even when Redis has forgotten some, and what it lost is said', async (t) => {
  const redis = await redisFor(t);
  const client = clientFor(t, redis.url);
  const { logger, lines } = readableLogger();
  const { outbox, told } = await openOutbox(t, redis.url, { logger }, { watchMs: 50 });
  await outbox.append(names(3).map((name) => newAppend(name)));
  const [, , last] = await readAll(outbox);
  if (last === undefined) throw new Error('three were appended');
  // As after a failover to a copy that was behind.
  await client.set(keyOf('shared', 'outbox:sequence'), '2');
  await client.xdel(keyOf('shared', 'out:a:main'), `${last.seq}-0`);
  await client.hset(keyOf('shared', 'totals:a'), 'main', 2);
  await redis.restart();
  await until('it is usable', () => lines.some(({ msg }) => msg === 'redis has lost its latest changes'));
  t.equal(lines.find(({ msg }) => msg === 'redis has lost its latest changes')?.detail, '3 messages waited here, 2 are there now');
  t.same(told.lines, ['moved 3 main', 'found 2 main', 'rewound main, lost']);
  const [result] = await outbox.append([newAppend('next')]);
  t.ok(result?.state === 'stored' && (result.records[0]?.seq ?? 0) > last.seq);
});

/** As after a failover, from one moment to the next: the bridge looks at its keys, and writes some, all the time. */
const goBack = async (client: Redis, keys: readonly string[], earlier: readonly (readonly [string, Buffer])[]): Promise<void> => {
  const change = client.multi().del(...keys, ...earlier.map(([key]) => key));
  for (const [key, value] of earlier) change.restore(key, 0, value);
  for (const [error] of (await change.exec()) ?? []) if (error !== null) throw error;
  await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
};

void t.test('Redis goes back to an earlier state, as after a failover: all that was known is given up, and what stands there is told anew', async (t) => {
  const redis = await redisFor(t);
  const { outbox, told } = await openOutbox(t, redis.url, {}, { watchMs: 50, lookMs: 50 });
  const client = clientFor(t, redis.url);
  const keys = async (): Promise<string[]> => (await client.keys(keyOf('shared', '*'))).filter((key) => !/lease|arrived|alive/.test(key));
  await outbox.append(names(3).map((name) => newAppend(name)));
  const earlier = await Promise.all((await keys()).map(async (key) => [key, await client.dumpBuffer(key)] as const));
  const [m0] = await readAll(outbox);
  if (m0 === undefined) throw new Error('three were appended');
  await outbox.settle(delivered([m0]));
  await outbox.append([newAppend('m3'), newAppend('m4')]);
  t.same(told.lines, []);
  await goBack(client, await keys(), earlier);
  await until('it is told', () => told.lines.length >= 3);
  t.same(told.lines, ['moved 4 main', 'found 3 main', 'rewound main, lost']);
  t.same(topicsOf(await readAll(outbox)), ['m0', 'm1', 'm2']);
  const [stored] = await outbox.append([newAppend('m5')]);
  t.ok(stored?.state === 'stored' && (stored.records[0]?.seq ?? 0) > 5, 'a position that was never given');
  t.equal(outbox.pending('main').messages, 4);
});

void t.test('what was settled is back after a failover: it is told, and all is to be read anew', async (t) => {
  const redis = await redisFor(t);
  const { outbox, told } = await openOutbox(t, redis.url, {}, { watchMs: 50, lookMs: 50 });
  const client = clientFor(t, redis.url);
  await outbox.append(names(2).map((name) => newAppend(name)));
  const keys = (await client.keys(keyOf('shared', '*'))).filter((key) => !/lease|arrived|alive/.test(key));
  const earlier = await Promise.all(keys.map(async (key) => [key, await client.dumpBuffer(key)] as const));
  await outbox.settle(delivered(await readAll(outbox)));
  await goBack(client, keys, earlier);
  await until('it is told', () => told.lines.length >= 3);
  t.same(told.lines, ['found 2 main', 'rewound main', 'more main']);
});

void t.test('a Redis that may lose what is kept is refused; one that writes late is warned of', async (t) => {
  const unsafe = await redisFor(t, { settings: { appendonly: 'no' } });
  await rejectsWith(t, openOutbox(t, unsafe.url), 'redis_unsafe');
  const warnings = async (appendfsync: string): Promise<string[]> => {
    const redis = await redisFor(t, { settings: { appendfsync } });
    const { logger, lines } = readableLogger();
    await openOutbox(t, redis.url, { logger });
    return lines.filter(({ level }) => level === 'warn').map(({ detail = '' }) => detail);
  };
  t.same(await warnings('everysec'), ['appendfsync everysec']);
  t.same(await warnings('always'), []);
});

void t.test('scripts that Redis has forgotten are sent again, and large batches are whole', async (t) => {
  const redis = await redisFor(t);
  const { outbox } = await openOutbox(t, redis.url, {}, { lookMs: 3_600_000 });
  const client = clientFor(t, redis.url);
  await client.script('FLUSH');
  await outbox.append(names(5_000).map((name, index) => newAppend(name, { deviceId: `d${index % 7}` })));
  await client.script('FLUSH');
  const records = await readAll(outbox);
  t.equal(records.length, 5_000);
  t.equal((await outbox.readSome('main', records.map(({ seq }) => seq))).length, 5_000);
  await outbox.settle(delivered(records));
  t.same(outbox.pending('main'), { messages: 0, bytes: 0 });
});

void t.test('the oldest parked messages make room for new ones, with one warning', async (t) => {
  const server = await redisFor(t);
  const { logger, lines } = readableLogger();
  const { outbox } = await openOutbox(t, server.url, { parkedMaxBytes: 20_000, logger });
  for (const name of names(60)) await outbox.append([newParkedAppend(name, { reason: 'topic_invalid', detail: '' }, { payload: Buffer.alloc(1_000) })]);
  const { messages, bytes, dropped } = outbox.parkedTotals();
  t.ok(bytes <= 20_000);
  t.equal(messages + dropped, 60);
  t.same(topicsOf(await outbox.parked({}, { after: -1, limit: 100 })), names(60).slice(dropped));
  t.equal(lines.filter(({ msg }) => msg === 'oldest parked messages removed').length, 1);
});
