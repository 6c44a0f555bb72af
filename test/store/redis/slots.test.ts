import type { Redis } from 'ioredis';
import t from 'tap';
import { rejectsWith } from '../../contracts/downlink-store-opened.js';
import { freePort } from '../../support/free-port.js';
import { startRedisServer } from '../../support/redis-server.js';
import { until } from '../../support/until.js';
import { openKeeper } from './open-slots.js';
import { clientFor, readableLogger, redisFor } from './open-store.js';

const tag = '{lpwan-bridge}';

void t.test('a replica takes the slot of its data directory, and keeps it', async (t) => {
  const redis = await redisFor(t);
  const { keeper, changes } = await openKeeper(t, redis.url);
  const { slot, token } = keeper.current();
  t.equal(slot, 'aaaaaaaa');
  t.ok(keeper.held());
  t.equal(keeper.replicas(), 1);
  const client = clientFor(t, redis.url);
  t.equal(await client.get(`${tag}:lease:aaaaaaaa`), token);
  t.same(await client.smembers(`${tag}:slots`), ['aaaaaaaa']);
  const left = async (): Promise<number> => client.pttl(`${tag}:lease:aaaaaaaa`);
  t.ok((await left()) <= 1_000);
  await client.pexpire(`${tag}:lease:aaaaaaaa`, 400);
  await until('it is renewed', async () => (await left()) > 500);
  t.equal(await keeper.confirm(), true);
  t.same(changes, []);
  t.same((await client.keys('*')).filter((key) => !key.startsWith(`${tag}:`)), []);
});

void t.test('replicas know of each other, and one more with a token of its own', async (t) => {
  const redis = await redisFor(t);
  const one = await openKeeper(t, redis.url);
  const other = await openKeeper(t, redis.url, { preferred: 'bbbbbbbb' });
  await until('both are counted', () => one.keeper.replicas() === 2 && other.keeper.replicas() === 2);
  t.same([one.keeper.current().slot, other.keeper.current().slot], ['aaaaaaaa', 'bbbbbbbb']);
  t.not(one.keeper.current().token, other.keeper.current().token);
});

void t.test('a slot that another replica has in hand, or had until it died, is left to be taken over as a whole', async (t) => {
  const rows = [
    { name: 'it is held', take: (client: Redis) => client.set(`${tag}:lease:aaaaaaaa`, 'cccccccc.1', 'PX', 60_000) },
    { name: 'its last holder is gone', take: (client: Redis) => client.hset(`${tag}:slots:holders`, 'aaaaaaaa', 'cccccccc.1') },
  ];
  for (const { name, take } of rows) {
    const redis = await redisFor(t);
    const client = clientFor(t, redis.url);
    await client.sadd(`${tag}:slots`, 'aaaaaaaa');
    await take(client);
    const { keeper, changes } = await openKeeper(t, redis.url, { leaseMs: 60_000 });
    t.match(keeper.current().slot, /^(?!a{8})[0-9a-f]{8}$/, name);
    t.ok(keeper.held());
    t.not(await client.get(`${tag}:lease:aaaaaaaa`), keeper.current().token);
    t.same(changes, [], 'nothing to tell: nobody had asked yet');
  }
});

void t.test('a restart on the same data directory comes back at once, and a second one on a copy of it takes the slot', async (t) => {
  const redis = await redisFor(t);
  const client = clientFor(t, redis.url);
  await client.set(`${tag}:outbox:sequence`, '41');
  const first = await openKeeper(t, redis.url);
  const again = await openKeeper(t, redis.url);
  t.equal(again.keeper.current().slot, 'aaaaaaaa');
  t.ok(again.keeper.held());
  await until('the first one has a new slot', () => first.changes.length === 1);
  t.same(first.changes, [{ next: first.keeper.current(), position: 41 }]);
  t.not(first.keeper.current().slot, 'aaaaaaaa');
  t.ok(first.keeper.held());
  t.ok(again.keeper.held());
  t.same(again.changes, []);
});

void t.test('the fence ends a lease after the renewal left, by a clock that nobody sets', async (t) => {
  const redis = await redisFor(t);
  let clock = 5_000;
  const { logger, lines } = readableLogger();
  const { keeper, changes } = await openKeeper(t, redis.url, { leaseMs: 60_000, now: () => clock, logger });
  const wallClock = Date.now;
  t.teardown(() => { Date.now = wallClock; });
  for (const jump of [3_600_000, -3_600_000]) {
    Date.now = () => wallClock() + jump;
    t.ok(keeper.held(), `the wall clock jumps by ${jump}`);
    t.equal(await keeper.confirm(), true);
  }
  clock += 59_999;
  t.ok(keeper.held());
  clock += 1;
  t.notOk(keeper.held());
  t.equal(await keeper.confirm(), true);
  t.ok(keeper.held(), 'renewed');
  t.same(changes, []);
  t.match(lines.map(({ level, msg }) => `${level} ${msg}`), ['info slot is held', /^warn the lease of the slot was not renewed in time/, 'info slot is held']);
});

void t.test('a lease that ran out while nobody took it comes back as the same slot', async (t) => {
  const redis = await redisFor(t);
  const { keeper, changes } = await openKeeper(t, redis.url, { leaseMs: 60_000 });
  const client = clientFor(t, redis.url);
  const before = keeper.current();
  await client.del(`${tag}:lease:aaaaaaaa`);
  await keeper.lost('aaaaaaaa');
  t.same(keeper.current(), before);
  t.ok(keeper.held());
  t.equal(await client.get(`${tag}:lease:aaaaaaaa`), before.token);
  await keeper.lost('of-long-ago');
  t.same(changes, []);
});

void t.test('a slot that is another replica\'s, or was in between, is given up for a new one', async (t) => {
  const rows = [
    { name: 'it is held', commands: [['set', `${tag}:lease:aaaaaaaa`, 'cccccccc.1', 'PX', '60000']] },
    { name: 'it was held by one that is gone', commands: [['del', `${tag}:lease:aaaaaaaa`], ['hset', `${tag}:slots:holders`, 'aaaaaaaa', 'cccccccc.1']] },
    { name: 'it was emptied and ended', commands: [['del', `${tag}:lease:aaaaaaaa`, `${tag}:slots`, `${tag}:slots:holders`]] },
  ];
  for (const { name, commands } of rows) {
    const redis = await redisFor(t);
    const client = clientFor(t, redis.url);
    await client.set(`${tag}:outbox:sequence`, '7');
    const { logger, lines } = readableLogger();
    const { keeper, changes } = await openKeeper(t, redis.url, { leaseMs: 60_000, logger });
    for (const [command = '', ...args] of commands) await client.call(command, ...args);
    const answers = await Promise.all([keeper.confirm(), keeper.lost('aaaaaaaa'), keeper.lost('aaaaaaaa')]);
    t.equal(answers[0], false, name);
    t.same(changes, [{ next: keeper.current(), position: 7 }], 'told once');
    t.not(keeper.current().slot, 'aaaaaaaa');
    t.ok(keeper.held());
    t.equal(await client.get(`${tag}:lease:${keeper.current().slot}`), keeper.current().token);
    t.ok(lines.some(({ level, msg }) => level === 'warn' && msg === 'goes on under a new slot'));
    t.equal(await keeper.confirm(), true);
  }
});

void t.test('Redis cannot be reached at the start: the slot is taken when it comes', async (t) => {
  const port = await freePort();
  const { keeper, changes } = await openKeeper(t, `redis://127.0.0.1:${port}`);
  t.notOk(keeper.held());
  t.equal(keeper.current().slot, 'aaaaaaaa');
  t.equal(keeper.replicas(), 0);
  await rejectsWith(t, keeper.confirm(), 'store_unavailable');
  await rejectsWith(t, keeper.lost('aaaaaaaa'), 'store_unavailable');
  await rejectsWith(t, keeper.finish('bbbbbbbb'), 'store_unavailable');
  const redis = await startRedisServer({ port });
  t.teardown(() => redis.stop());
  await until('it is held', () => keeper.held());
  t.equal(keeper.current().slot, 'aaaaaaaa');
  t.same(changes, []);
});

void t.test('Redis comes later, and the slot is another replica\'s by then', async (t) => {
  const port = await freePort();
  const { keeper, changes } = await openKeeper(t, `redis://127.0.0.1:${port}`);
  const earlier = await startRedisServer({ settings: { 'repl-diskless-sync-delay': '0' } });
  t.teardown(() => earlier.stop());
  // Before the keeper can see it: the lease is there from the first moment that this Redis listens.
  const client = clientFor(t, earlier.url);
  await client.set(`${tag}:lease:aaaaaaaa`, 'cccccccc.1', 'PX', 600_000);
  await client.sadd(`${tag}:slots`, 'aaaaaaaa');
  const redis = await startRedisServer({ port, settings: { replicaof: `127.0.0.1 ${earlier.port}` } });
  t.teardown(() => redis.stop());
  const promoted = clientFor(t, redis.url);
  await until('it has the copy', async () => (await promoted.exists(`${tag}:lease:aaaaaaaa`)) === 1);
  t.notOk(keeper.held(), 'a copy that takes no writes holds nothing');
  await promoted.replicaof('NO', 'ONE');
  await until('it is told', () => changes.length === 1);
  t.same(changes, [{ next: keeper.current(), position: 0 }]);
  t.ok(keeper.held());
});

void t.test('an unsafe Redis and a wrong address are refused', async (t) => {
  const redis = await redisFor(t, { settings: { appendonly: 'no' } });
  await rejectsWith(t, openKeeper(t, redis.url), 'redis_unsafe');
  await rejectsWith(t, openKeeper(t, 'http://somewhere'), 'config_invalid');
});

void t.test('after closing the lease runs out by itself', async (t) => {
  const redis = await redisFor(t);
  const { keeper } = await openKeeper(t, redis.url);
  await keeper.close();
  const client = clientFor(t, redis.url);
  t.ok((await client.pttl(`${tag}:lease:aaaaaaaa`)) > 0, 'not at once: a restart shall find it');
  await until('it ran out', async () => (await client.exists(`${tag}:lease:aaaaaaaa`)) === 0);
  t.same(await client.smembers(`${tag}:slots`), ['aaaaaaaa']);
  await until('the fence too', () => !keeper.held());
  await rejectsWith(t, keeper.confirm(), 'store_unavailable');
});
