import t, { type Test } from 'tap';
import { eventLogContract } from '../../contracts/event-log.js';
import { newAudit, put, resourceStoreContract, type NewResourcesPlace } from '../../contracts/resource-store.js';
import { newToken, tokenStoreContract } from '../../contracts/token-store.js';
import { rejectsWith } from '../../contracts/downlink-store-opened.js';
import { until } from '../../support/until.js';
import { freePort } from '../../support/free-port.js';
import { startRedisServer } from '../../support/redis-server.js';
import { clientFor, redisFor } from './open-store.js';
import { openResources } from './open-resources.js';

void t.test('the contracts', async (t) => {
  const redis = await redisFor(t);
  let places = 0;
  const newPrefix = (): string => `place-${(places += 1)}`;
  const newPlace: NewResourcesPlace = async (t) => {
    const keyPrefix = newPrefix();
    return { open: (settings = {}) => openResources(t, redis.url, { keyPrefix, ...settings }) };
  };
  await t.test('resource store', (t) => resourceStoreContract(t, newPlace));
  await t.test('event log', (t) => eventLogContract(t, newPlace));
  await t.test('token store', (t) => tokenStoreContract(t, async (t) => {
    const keyPrefix = newPrefix();
    return {
      async open() {
        const opened = await openResources(t, redis.url, { keyPrefix });
        return { ...opened.tokens, close: () => opened.close() };
      },
    };
  }));
});

const outcome = (work: Promise<unknown>): Promise<unknown> => work.then(() => 'done', (error: unknown) => (error as { reason?: string }).reason ?? error);

void t.test('of two replicas that write at the same version one wins, and each sees what the other does', async (t) => {
  const redis = await redisFor(t);
  const [one, other] = [await openResources(t, redis.url, {}, { pollMs: 3_600_000 }), await openResources(t, redis.url, {}, { pollMs: 3_600_000 })];
  const calls = { one: 0, other: 0 };
  one.resources.onChange(() => { calls.one += 1; });
  other.resources.onChange(() => { calls.other += 1; });
  for (let version = 0; version < 20; version += 1) {
    const outcomes = await Promise.all([one, other].map((replica, index) => outcome(replica.resources.write([put(`r${index}`, { version })], version, newAudit('r')))));
    t.same([...outcomes].sort(), ['done', 'resource_changed']);
  }
  t.same(await one.resources.read(), await other.resources.read());
  t.equal((await one.resources.audits({ limit: 100 })).entries.length, 20, 'who lost left no audit entry');
  const before = { ...calls };
  await one.resources.write([put('last')], 20, newAudit('last'));
  await until('both are told, without a poll', () => calls.one > before.one && calls.other > before.other);
  t.equal((await other.resources.read()).version, 21);
  one.events.note({ subject: { kind: 'bridge', id: 'bridge' }, time: 1, level: 'info', text: 'of one' });
  await until('the other sees its events', async () => (await other.events.events(undefined, { limit: 10 })).entries.some(({ text }) => text === 'of one'));
});

void t.test('a change that nobody was told of is found by looking', async (t) => {
  const redis = await redisFor(t);
  const { resources } = await openResources(t, redis.url, {}, { pollMs: 50 });
  let calls = 0;
  const client = clientFor(t, redis.url);
  await until('it looked once', async () => (await resources.read()).version === 0);
  resources.onChange(() => { calls += 1; });
  await client.set('{lpwan-bridge}:resources:version', '7');
  await until('it is told', () => calls > 0);
  t.equal((await resources.read()).version, 7);
});

void t.test('Redis goes away and comes back: nothing is lost, what was noted meanwhile is written, and changes are told again', async (t) => {
  const redis = await redisFor(t);
  const [one, other] = [await openResources(t, redis.url, {}, { watchMs: 100 }), await openResources(t, redis.url, {}, { watchMs: 100, pollMs: 3_600_000 })];
  await one.resources.write([put('a')], 0, newAudit('a'));
  await one.tokens.add(newToken('t'));
  await redis.kill();
  await until('it is noticed', async () => (await outcome(one.resources.read())) === 'redis_unavailable');
  const calls = {
    write: one.resources.write([put('b')], 1, newAudit('b')),
    audit: one.resources.audit(newAudit('b')),
    audits: one.resources.audits({ limit: 1 }),
    events: one.events.events(undefined, { limit: 1 }),
    list: one.tokens.list(),
    find: one.tokens.find(newToken('t').hash),
    add: one.tokens.add(newToken('u')),
    remove: one.tokens.remove(newToken('t').id),
  };
  for (const [name, call] of Object.entries(calls)) t.equal(await outcome(call), 'redis_unavailable', name);
  for (let index = 0; index < 3_000; index += 1) one.events.note({ subject: { kind: 'connection', id: 'main' }, time: index, level: 'info', text: `n${index}` });
  let told = 0;
  other.resources.onChange(() => { told += 1; });
  await redis.restart();
  await until('it is back', async () => (await outcome(one.resources.read())) === 'done');
  t.match(await one.resources.read(), { version: 1, resources: [{ id: 'a', revision: 1 }] });
  t.strictSame(await one.tokens.list(), [newToken('t')]);
  await until('the events are there', async () => (await one.events.events(undefined, { limit: 1 })).entries[0]?.text === 'n2999');
  t.equal((await one.events.events(undefined, { limit: 10_000 })).entries.length, 2_000, 'a bounded number was held');
  await until('the other can read', async () => (await outcome(other.resources.read())) === 'done');
  const before = told;
  await until('a change is told on the new connection', async () => {
    await one.resources.write([put('b')], (await one.resources.read()).version, newAudit('b'));
    return told > before;
  });
});

void t.test('Redis cannot be reached at the start and comes later', async (t) => {
  const port = await freePort();
  const { resources, events } = await openResources(t, `redis://127.0.0.1:${port}`, {}, { watchMs: 100 });
  let calls = 0;
  resources.onChange(() => { calls += 1; });
  await rejectsWith(t, resources.read(), 'redis_unavailable');
  events.note({ subject: { kind: 'bridge', id: 'bridge' }, time: 1, level: 'info', text: 'early' });
  const redis = await startRedisServer({ port });
  t.teardown(() => redis.stop());
  await until('it is told to look', () => calls > 0);
  await until('it reads', async () => (await outcome(resources.read())) === 'done');
  await until('what was noted is written', async () => (await events.events(undefined, { limit: 1 })).entries[0]?.text === 'early');
});

void t.test('an unsafe Redis and a wrong address are refused', async (t) => {
  const redis = await redisFor(t, { settings: { appendonly: 'no' } });
  await rejectsWith(t, openResources(t, redis.url), 'redis_unsafe');
  await rejectsWith(t, openResources(t, 'http://somewhere'), 'config_invalid');
});

const cursors = async (t: Test): Promise<void> => {
  const redis = await redisFor(t);
  const { resources, events } = await openResources(t, redis.url);
  await resources.audit(newAudit('a'));
  for (const after of ['x', '1', '-', '(1-1', '1-1 COUNT 5', `${'9'.repeat(40)}-1`]) {
    await rejectsWith(t, resources.audits({ limit: 1, after }), 'invalid_field');
    await rejectsWith(t, events.events(undefined, { limit: 1, after }), 'invalid_field');
  }
  t.strictSame(await resources.audits({ limit: 1, after: '0-1' }), { entries: [] });
};

void t.test('a cursor that is none is refused', cursors);

void t.test('every key begins with the tag, and the log of a subject ends some day', async (t) => {
  const redis = await redisFor(t);
  const { resources, events, tokens } = await openResources(t, redis.url);
  await resources.write([put('a')], 0, newAudit('a'));
  await tokens.add(newToken('t'));
  events.note({ subject: { kind: 'connection', id: 'main' }, time: 1, level: 'info', text: 'x' });
  await events.events(undefined, { limit: 1 });
  const client = clientFor(t, redis.url);
  const keys = await client.keys('*');
  t.same(keys.filter((key) => !key.startsWith('{lpwan-bridge}:')), []);
  t.ok(keys.length >= 6, keys.join(' '));
  t.ok((await client.pttl('{lpwan-bridge}:events:connection:main')) > 0);
});

void t.test('a token that is added again under its id is known by its new hash only', async (t) => {
  const redis = await redisFor(t);
  const { tokens } = await openResources(t, redis.url);
  const [old, renewed] = [newToken('t'), newToken('t', { hash: 'ab'.repeat(32) })];
  await tokens.add(old);
  await tokens.add(renewed);
  t.equal(await tokens.find(old.hash), undefined);
  t.strictSame(await tokens.find(renewed.hash), renewed);
  t.strictSame(await tokens.list(), [renewed]);
});

void t.test('parts may be closed one by one, and closing bounded while Redis is paused', async (t) => {
  const redis = await redisFor(t);
  const opened = await openResources(t, redis.url);
  await opened.resources.close();
  t.strictSame(await opened.tokens.list(), [], 'the others go on');
  redis.pause();
  opened.events.note({ subject: { kind: 'bridge', id: 'bridge' }, time: 1, level: 'info', text: 'x' });
  await opened.events.close();
  await opened.tokens.close();
  redis.resume();
  await rejectsWith(t, opened.tokens.list(), 'redis_unavailable');
});
