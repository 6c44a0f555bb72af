import t from 'tap';
import { BridgeError } from '../../../src/errors.js';
import type { DownlinkStore } from '../../../src/downlink/ports.js';
import { rejectsWith } from '../../contracts/downlink-store-opened.js';
import { addAll, deadlineOf, newDevice, newDownlink, newSubmitted, recordWork } from '../../contracts/downlink-store-samples.js';
import { until } from '../../support/until.js';
import { freePort } from '../../support/free-port.js';
import { startRedisServer } from '../../support/redis-server.js';
import { clientFor, openStore, readableLogger, redisFor } from './open-store.js';
import { addDownlink as add, survives } from './survive.js';

const toldWithin = async (store: DownlinkStore, reason: string): Promise<void> => until(`problem() tells ${reason}`, () => store.problem()?.reason === reason);

void t.test('Redis is killed and comes back: nothing is lost, everything goes on by itself', async (t) => {
  const redis = await redisFor(t);
  await survives(t, redis, async (felt) => {
    await redis.kill();
    await felt();
    await redis.restart();
  });
});

void t.test('Redis is paused and goes on: nothing is lost, everything goes on by itself', async (t) => {
  const redis = await redisFor(t);
  await survives(t, redis, async (felt) => {
    redis.pause();
    await felt(/socket timeout/i);
    redis.resume();
  });
});

void t.test('while Redis is away nothing hangs, problem() tells so, and what was known is still known', async (t) => {
  const redis = await redisFor(t);
  const store = await openStore(t, redis.url);
  store.queue.start(recordWork());
  store.devices.heard(newDevice('known'));
  await until('it is written', async () => (await clientFor(t, redis.url).get('{lpwan-bridge}:device:d-known')) !== null);
  t.match(await store.devices.find('known'), { deviceId: 'known' });
  redis.pause();
  const started = Date.now();
  const calls = {
    add: () => add(store, 'a', 'd'),
    collect: () => store.queue.collect({ deviceId: 'd', requestId: 'r', again: false, rememberMs: 1_000 }),
    expire: () => store.queue.expire(),
    notices: () => store.queue.notices(0),
    totals: () => store.queue.totals('main'),
    headroom: () => store.queue.headroom('main'),
    put: () => store.submitted.put(newSubmitted(newDownlink('a', 'd'))),
    of: () => store.submitted.of('d'),
    find: () => store.devices.find('unknown'),
  };
  for (const round of ['before it was noticed', 'after it was noticed']) {
    const outcomes = await Promise.all(Object.values(calls).map((call) => call().then(() => 'done', (error: unknown) => (error instanceof BridgeError ? error.reason : String(error)))));
    t.same(outcomes, Object.keys(calls).map(() => 'store_unavailable'), round);
    await toldWithin(store, 'redis_unavailable');
  }
  t.ok((store.problem()?.since ?? 0) >= started);
  t.match(await store.devices.find('known'), { deviceId: 'known' }, 'from memory');
  store.devices.heard(newDevice('new'));
  t.match(await store.devices.find('new'), { deviceId: 'new' }, 'not written yet');
  redis.resume();
  await until('it is over', () => store.problem() === undefined);
  const client = clientFor(t, redis.url);
  await until('what was heard is written', async () => (await client.get('{lpwan-bridge}:device:d-new')) !== null);
});

void t.test('a submit that ends while Redis is away is settled when it comes back, and not repeated', async (t) => {
  const redis = await redisFor(t);
  const store = await openStore(t, redis.url);
  let answer: () => void = () => undefined;
  const work = recordWork({ submit: () => new Promise((resolve) => { answer = () => { resolve({ kind: 'done' }); }; }) });
  store.queue.start(work);
  await addAll(store, [newDownlink('a', 'd')]);
  await until('it is being submitted', () => work.handed.length === 1);
  await redis.kill();
  await toldWithin(store, 'redis_unavailable');
  answer();
  await redis.restart();
  await until('it left', async () => (await store.queue.totals('main').catch(() => ({ waiting: 1 }))).waiting === 0);
  t.same(work.names(), ['a']);
});

void t.test('Redis cannot be reached at the start and comes later', async (t) => {
  const port = await freePort();
  const { logger, lines } = readableLogger();
  const store = await openStore(t, `redis://127.0.0.1:${port}`, { logger });
  t.match(store.problem(), { reason: 'redis_unavailable', detail: /ECONNREFUSED/ });
  const work = recordWork();
  store.queue.start(work);
  store.devices.heard(newDevice('early'));
  await rejectsWith(t, add(store, 'a', 'd'), 'store_unavailable');
  const redis = await startRedisServer({ port });
  t.teardown(() => redis.stop());
  await until('it is usable', () => store.problem() === undefined);
  await add(store, 'a', 'd');
  await until('it leaves', () => work.handed.length === 1);
  t.match(await store.devices.find('early'), { deviceId: 'early' });
  t.same(lines.map(({ level, msg }) => `${level} ${msg}`), ['warn redis cannot be used', 'info redis is usable']);
});

void t.test('an unsafe Redis is refused, with what must be set', async (t) => {
  const rows = [
    { settings: { appendonly: 'no' }, detail: /^Redis must be set to: appendonly yes$/ },
    { settings: { 'maxmemory-policy': 'allkeys-lru' }, detail: /^Redis must be set to: maxmemory-policy noeviction \(it is allkeys-lru\)$/ },
    { settings: { appendonly: 'no', 'maxmemory-policy': 'volatile-ttl' }, detail: /noeviction.*appendonly yes/ },
  ];
  for (const { settings, detail } of rows) {
    const redis = await redisFor(t, { settings });
    const error: unknown = await openStore(t, redis.url).catch((thrown: unknown) => thrown);
    t.ok(error instanceof BridgeError);
    t.match(error, { reason: 'redis_unsafe', detail });
  }
});

void t.test('an unsafe Redis that comes later gets nothing and gives nothing, until it is set right', async (t) => {
  const port = await freePort();
  const store = await openStore(t, `redis://127.0.0.1:${port}`);
  const work = recordWork();
  store.queue.start(work);
  const redis = await startRedisServer({ port, settings: { appendonly: 'no' } });
  t.teardown(() => redis.stop());
  await toldWithin(store, 'redis_unsafe');
  t.match(store.problem()?.detail, /appendonly yes/);
  await rejectsWith(t, add(store, 'a', 'd'), 'store_unavailable');
  const client = clientFor(t, redis.url);
  t.same(await client.keys('*'), []);
  await client.config('SET', 'appendonly', 'yes');
  await until('it is usable', () => store.problem() === undefined);
  await add(store, 'a', 'd');
  await until('it leaves', () => work.handed.length === 1);
});

void t.test('a Redis that answers but refuses writes is a problem that is told', async (t) => {
  const redis = await redisFor(t);
  const store = await openStore(t, redis.url);
  const client = clientFor(t, redis.url);
  await client.config('SET', 'maxmemory', '1');
  await toldWithin(store, 'redis_unavailable');
  t.match(store.problem()?.detail, /OOM/);
  await rejectsWith(t, add(store, 'a', 'd'), 'store_unavailable');
  await client.config('SET', 'maxmemory', '0');
  await until('it is over', () => store.problem() === undefined);
});

void t.test('closing is bounded while Redis is paused', async (t) => {
  const redis = await redisFor(t);
  const store = await openStore(t, redis.url);
  store.queue.start(recordWork());
  await addAll(store, [newDownlink('a', 'd')]);
  redis.pause();
  await store.close(deadlineOf(1_000));
  await rejectsWith(t, add(store, 'b', 'd'), 'stopping');
  redis.resume();
});
