import t, { type Test } from 'tap';
import type { RedisServer } from '../../support/redis-server.js';
import { until } from '../../support/until.js';
import { openKeeper, startHolder, type TestKeeper } from './open-slots.js';
import { clientFor, redisFor } from './open-store.js';

const tag = '{lpwan-bridge}';
const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

/** A process that holds `bbbbbbbb`. */
const heldElsewhere = async (t: Test, redis: RedisServer) => {
  const holder = startHolder(t, redis.url);
  await until('the other process holds its slot', () => holder.lines.includes('held bbbbbbbb'));
  return holder;
};

void t.test('the slot of a killed replica is taken by one of two, which ends it when nothing is left', async (t) => {
  const redis = await redisFor(t);
  const client = clientFor(t, redis.url);
  const keepers = [await openKeeper(t, redis.url, { leaseMs: 2_000 }), await openKeeper(t, redis.url, { preferred: 'cccccccc', leaseMs: 2_000 })];
  const { child } = await heldElsewhere(t, redis);
  await until('three are counted', () => keepers.every(({ keeper }) => keeper.replicas() === 3));
  await client.hset(`${tag}:totals:bbbbbbbb`, 'main', '1 10');
  t.same(keepers.flatMap(({ orphans }) => orphans), []);
  child.kill('SIGKILL');
  const found = (): string[] => keepers.flatMap(({ orphans }) => orphans);
  await until('one has it', () => found().length > 0);
  await until('two are counted', () => keepers.every(({ keeper }) => keeper.replicas() === 2));
  t.same(found(), ['bbbbbbbb'], 'and only one');
  const winner = keepers.find(({ orphans }) => orphans.length === 1) as TestKeeper;
  const loser = keepers.find((one) => one !== winner) as TestKeeper;
  t.same(winner.keeper.orphans(), ['bbbbbbbb']);
  t.same(loser.keeper.orphans(), []);
  t.equal(await client.get(`${tag}:lease:bbbbbbbb`), winner.keeper.current().token);
  t.equal(await winner.keeper.finish('bbbbbbbb'), false, 'something is left');
  await client.pexpire(`${tag}:lease:bbbbbbbb`, 400);
  await until('it is renewed', async () => (await client.pttl(`${tag}:lease:bbbbbbbb`)) > 500);
  await client.hdel(`${tag}:totals:bbbbbbbb`, 'main');
  t.equal(await loser.keeper.finish('bbbbbbbb'), false, 'it is not his');
  t.equal(await winner.keeper.finish(winner.keeper.current().slot), false, 'nobody ends what he holds himself');
  t.equal(await winner.keeper.finish('bbbbbbbb'), true);
  t.same(winner.keeper.orphans(), []);
  t.equal(await winner.keeper.finish('bbbbbbbb'), true, 'again, as when the answer was lost');
  t.same((await client.smembers(`${tag}:slots`)).sort(), ['aaaaaaaa', 'cccccccc']);
  t.same((await client.keys('*bbbbbbbb*')), []);
  t.same(keepers.flatMap(({ changes }) => changes), []);
});

void t.test('a killed replica that is started again on its data directory has its slot at once', async (t) => {
  const redis = await redisFor(t);
  const { child } = await heldElsewhere(t, redis);
  child.kill('SIGKILL');
  const { keeper } = await openKeeper(t, redis.url, { preferred: 'bbbbbbbb', leaseMs: 60_000 });
  t.equal(keeper.current().slot, 'bbbbbbbb');
  t.ok(keeper.held());
});

void t.test('a replica that was paused past its lease knows it before anything else, and goes on under a new slot', async (t) => {
  const redis = await redisFor(t);
  const { child, lines } = await heldElsewhere(t, redis);
  const { orphans } = await openKeeper(t, redis.url);
  child.kill('SIGSTOP');
  await until('it was taken over', () => orphans.length > 0);
  await clientFor(t, redis.url).set(`${tag}:outbox:sequence`, '99');
  child.kill('SIGCONT');
  await until('it goes on', () => lines.filter((line) => line.startsWith('held')).length === 2);
  t.same(orphans, ['bbbbbbbb']);
  const [, next = ''] = /^held (\w+)$/.exec(lines.at(-1) ?? '') ?? [];
  t.same(lines, ['held bbbbbbbb', 'open bbbbbbbb', `changed ${next} 99`, `held ${next}`]);
  t.not(next, 'bbbbbbbb');
});

void t.test('a replica that was paused past its lease while nobody took it has its slot again', async (t) => {
  const redis = await redisFor(t);
  const { child, lines } = await heldElsewhere(t, redis);
  child.kill('SIGSTOP');
  await until('the lease ran out', async () => (await clientFor(t, redis.url).exists(`${tag}:lease:bbbbbbbb`)) === 0);
  child.kill('SIGCONT');
  await until('it is held again', () => lines.length === 3);
  t.same(lines, ['held bbbbbbbb', 'open bbbbbbbb', 'held bbbbbbbb']);
});

const outages: Readonly<Record<string, (redis: RedisServer) => Promise<void>>> = {
  async 'killed and restarted'(redis) {
    await redis.kill();
    await pause(2_500);
    await redis.restart();
  },
  async 'paused'(redis) {
    redis.pause();
    await pause(2_500);
    redis.resume();
  },
};

for (const [name, outage] of Object.entries(outages)) {
  void t.test(`Redis is ${name}: every replica keeps its slot, and nobody takes another's`, async (t) => {
    const redis = await redisFor(t);
    const keepers = [await openKeeper(t, redis.url), await openKeeper(t, redis.url, { preferred: 'bbbbbbbb' }), await openKeeper(t, redis.url, { preferred: 'cccccccc' })];
    await until('an orphan would be taken', async () => {
      await clientFor(t, redis.url).sadd(`${tag}:slots`, 'dddddddd');
      return keepers.some(({ orphans }) => orphans.length > 0);
    });
    const away = outage(redis);
    await until('nobody may publish', () => keepers.every(({ keeper }) => !keeper.held()));
    await away;
    await until('all hold', () => keepers.every(({ keeper }) => keeper.held()));
    // Longer than a lease, so that whoever wanted to take something over would have.
    await pause(2_000);
    t.same(keepers.map(({ keeper }) => keeper.current().slot), ['aaaaaaaa', 'bbbbbbbb', 'cccccccc']);
    t.same(keepers.flatMap(({ changes }) => changes), []);
    t.same(keepers.flatMap(({ orphans }) => orphans), ['dddddddd']);
    t.same(keepers.flatMap(({ keeper }) => keeper.orphans()), ['dddddddd'], 'and who had taken one has it still');
  });
}

void t.test('an orphan that another replica has in hand is given up', async (t) => {
  const redis = await redisFor(t);
  const client = clientFor(t, redis.url);
  const { keeper, orphans } = await openKeeper(t, redis.url);
  await client.sadd(`${tag}:slots`, 'bbbbbbbb');
  await until('it is taken', () => orphans.length === 1);
  await client.set(`${tag}:lease:bbbbbbbb`, 'cccccccc.1', 'PX', 60_000);
  await until('it is given up', () => keeper.orphans().length === 0);
  t.equal(await keeper.finish('bbbbbbbb'), false);
  await client.del(`${tag}:lease:bbbbbbbb`);
  await until('it is taken anew', () => orphans.length === 2);
  t.same(keeper.orphans(), ['bbbbbbbb']);
});

void t.test('what several leave behind is shared: one orphan in each look, and none before Redis answered for a whole lease', async (t) => {
  const redis = await redisFor(t);
  let clock = 0;
  const { keeper, orphans } = await openKeeper(t, redis.url, { leaseMs: 60_000, now: () => clock });
  const left = ['11111111', '22222222', '33333333'];
  await clientFor(t, redis.url).sadd(`${tag}:slots`, ...left);
  const seen: number[] = [];
  for (let look = 1; look <= 7; look += 1) {
    clock += 15_000;
    await keeper.confirm();
    seen.push(orphans.length);
  }
  t.same(seen, [0, 0, 0, 1, 2, 3, 3]);
  t.same([...orphans].sort(), left);
});
