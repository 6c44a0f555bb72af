import t from 'tap';
import { createPoolSize } from '../../src/aws/pool-size.js';

const options = { maxSessions: 10, publishesPerSecond: 100, idleAfterMs: 30_000 };

void t.test('the first session is always worth it', async (t) => {
  t.ok(createPoolSize(options).shouldGrow(1, 0, 0));
});

void t.test('a burst does not grow the pool, a shortage and a great need do', async (t) => {
  const size = createPoolSize(options);
  t.notOk(size.shouldGrow(3, 1, 1_000), 'just short');
  t.notOk(size.shouldGrow(3, 1, 1_050));
  t.ok(size.shouldGrow(3, 1, 1_101), 'short for a tenth of a second');
  t.notOk(createPoolSize(options).shouldGrow(84, 1, 0));
  t.ok(createPoolSize(options).shouldGrow(85, 1, 0), 'a second of work waits');
});

void t.test('shortages far apart are bursts of their own', async (t) => {
  const size = createPoolSize(options);
  t.notOk(size.shouldGrow(3, 1, 1_000));
  t.notOk(size.shouldGrow(3, 1, 5_000));
});

void t.test('sessions are given back after the load has needed fewer for the idle time, down to one', async (t) => {
  const size = createPoolSize(options);
  let now = Math.ceil(performance.now());
  for (let second = 0; second < 30; second += 1) t.equal(size.surplus(10, (now += 1_000)), 0);
  t.equal(size.surplus(10, (now += 1_000)), 9);
});

void t.test('a load that needs them keeps them', async (t) => {
  const size = createPoolSize(options);
  let now = Math.ceil(performance.now());
  for (let second = 0; second < 60; second += 1) {
    for (let count = 0; count < 800; count += 1) size.published();
    t.equal(size.surplus(10, (now += 1_000)), 0);
  }
});
