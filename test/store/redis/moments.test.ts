import t, { type Test } from 'tap';
import { openProxy } from '../../../faults/proxy.js';
import type { QueueWork } from '../../../src/downlink/ports.js';
import { deadlineIn } from '../../../src/lifecycle.js';
import { addAll, newDownlink } from '../../contracts/downlink-store-samples.js';
import type { RedisServer } from '../../support/redis-server.js';
import { until } from '../../support/until.js';
import { openStore, redisFor } from './open-store.js';

interface Given {
  /** Monotonic ms when it was handed out. */
  readonly at: number;
  /** How late it might leave after that, ms. */
  readonly lateMs: number;
}

/** Submits everything at once, and remembers the moments. */
const recordMoments = (): { readonly work: QueueWork; readonly given: readonly Given[] } => {
  const given: Given[] = [];
  return {
    given,
    work: {
      holdMs: () => 0,
      async submit(_, moment) {
        const at = performance.now();
        given.push({ at, lateMs: (moment?.leaveBy ?? NaN) - at });
        return { kind: 'done' };
      },
    },
  };
};

const some = (name: string, count: number) => Array.from({ length: count }, (_, index) => newDownlink(`${name}-${index}`, `${name}-${index}`));

void t.test('one that is alone may be late; one that joins it waits until all that was late has left', async (t) => {
  const redis = await redisFor(t);
  const [one, other] = [await openStore(t, redis.url, { ratePerSecond: () => 100 }), await openStore(t, redis.url, { ratePerSecond: () => 100 })];
  const [first, second] = [recordMoments(), recordMoments()];
  one.queue.start(first.work);
  await addAll(one, some('alone', 50));
  await until('those of the first', () => first.given.length === 50);
  t.ok(first.given.every(({ lateMs }) => lateMs > 500), 'alone: half a second and more');

  await addAll(one, some('both', 150));
  await until('the first goes on', () => first.given.length > 60);
  other.queue.start(second.work);
  await until('all left', () => first.given.length + second.given.length === 200);
  t.ok(second.given.length > 10, `the second had ${second.given.length}`);

  const begun = Math.min(...second.given.map(({ at }) => at));
  const lastAlone = Math.max(...first.given.filter(({ lateMs }) => lateMs > 100).map(({ at, lateMs }) => at + lateMs));
  t.ok(begun > lastAlone, `the second began ${(begun - lastAlone).toFixed(0)} ms after the last that was given to the first alone might leave`);
  const together = [...first.given, ...second.given].filter(({ at }) => at >= begun);
  // 45, and what a timer may end early.
  t.ok(together.every(({ lateMs }) => lateMs < 50), 'together: no more than the pace leaves free in a second');
});

void t.test('one that comes when no other was at work need not wait, and is alone', async (t) => {
  const redis = await redisFor(t);
  const [one, other] = [await openStore(t, redis.url, { ratePerSecond: () => 100 }), await openStore(t, redis.url, { ratePerSecond: () => 100 })];
  const [first, second] = [recordMoments(), recordMoments()];
  one.queue.start(first.work);
  await addAll(one, some('early', 3));
  await until('those of the first', () => first.given.length === 3);
  await one.close(deadlineIn(5_000));
  // What it was given is over a second later, by the clock of Redis.
  const quiet = (first.given.at(-1)?.at ?? 0) + 1_100;
  await until('a second is over', () => performance.now() > quiet);
  other.queue.start(second.work);
  await addAll(other, some('late', 3));
  await until('those of the second', () => second.given.length === 3);
  t.ok(second.given.every(({ lateMs }) => lateMs > 500));
});

/** The address of a Redis from where its answers come 50 ms after the question. */
const farFrom = async (t: Test, redis: RedisServer): Promise<string> => {
  const proxy = await openProxy(redis.port);
  t.teardown(() => proxy.close());
  proxy.shape({ delayMs: 25 });
  return redis.url.replace(String(redis.port), String(proxy.port));
};

void t.test('a Redis that is far away hands out as well', async (t) => {
  const redis = await redisFor(t);
  const url = await farFrom(t, redis);
  const near = await openStore(t, redis.url);
  const [one, other] = [await openStore(t, url, { ratePerSecond: () => 100 }), await openStore(t, url, { ratePerSecond: () => 100 })];
  const [first, second] = [recordMoments(), recordMoments()];
  one.queue.start(first.work);
  await addAll(near, some('alone', 10));
  await until('those of the first', () => first.given.length === 10);
  t.ok(first.given.every(({ lateMs }) => lateMs > 500), 'alone: half a second and more');
  other.queue.start(second.work);
  await addAll(near, some('both', 20));
  await until('all left', () => first.given.length + second.given.length === 30);
  t.ok(second.given.every(({ lateMs }) => lateMs >= 0), 'none has its moment when it is over');
});
