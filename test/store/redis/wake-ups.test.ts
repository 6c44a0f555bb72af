import type { Worker } from 'bullmq';
import t from 'tap';
import type { Verdict } from '../../../src/downlink/ports.js';
import { addAll, done, gate, mostInOneSecond, newDownlink, recordWork, retry } from '../../contracts/downlink-store-samples.js';
import { until } from '../../support/until.js';
import { clientFor, openStore, readableLogger, redisFor } from './open-store.js';

void t.test('a downlink that is added while the wake-up of its device ends is not left behind', async (t) => {
  const redis = await redisFor(t);
  // Neither the search for lost wake-ups nor the watch over the worker may help.
  const store = await openStore(t, redis.url, { ratePerSecond: () => 5_000 }, { sweepMs: 600_000, stuckMs: 600_000 });
  const work = recordWork();
  store.queue.start(work);
  const run = async (deviceId: string): Promise<void> => {
    for (let index = 0; index < 150; index += 1) {
      const before = work.names(deviceId).length;
      await addAll(store, [newDownlink(`${deviceId}/${index}`, deviceId)]);
      await until(`${deviceId}/${index} leaves`, () => work.names(deviceId).length > before);
      if (index % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(['a', 'b', 'c', 'd'].map(run));
  t.equal(work.handed.length, 600);
});

void t.test('a wake-up that was lost is found', async (t) => {
  const redis = await redisFor(t);
  const store = await openStore(t, redis.url, {}, { sweepMs: 300 });
  const client = clientFor(t, redis.url);
  await addAll(store, ['0', '1'].map((name) => newDownlink(name, 'd')));
  const jobs = await client.keys('{lpwan-bridge}:wake:*');
  t.ok(jobs.includes('{lpwan-bridge}:wake:d-d'));
  await client.del(...jobs);
  const work = recordWork();
  store.queue.start(work);
  await until('both leave', () => work.handed.length === 2);
  await client.set('{lpwan-bridge}:wake:d-e', 'x');
  await client.del('{lpwan-bridge}:wake:d-e');
  t.same(work.names(), ['0', '1']);
});

void t.test('what is kept of a wake-up is the device alone, and nothing of it stays', async (t) => {
  const redis = await redisFor(t);
  const store = await openStore(t, redis.url);
  const client = clientFor(t, redis.url);
  await addAll(store, [newDownlink('secret-correlation', 'söme:device/1', { payload: 'c0ffee' })]);
  const key = `{lpwan-bridge}:wake:e-${Buffer.from('söme:device/1').toString('base64url')}`;
  const job = JSON.stringify(await client.hgetall(key));
  t.match(job, /"data":"\{\}"/);
  t.notMatch(job, /c0ffee|secret-correlation/);
  const work = recordWork();
  store.queue.start(work);
  await until('it left', async () => (await client.exists(key)) === 0);
  t.same(work.names(), ['secret-correlation']);
  await until('only what must be remembered stays', async () => {
    const keys = (await client.keys('*')).map((name) => name.replace('{lpwan-bridge}:', '')).filter((name) => !/^(wake:|seen:|left:|pace:|alive$|sweep$|sequence$)/.test(name));
    return keys.length === 0;
  });
});

void t.test('a worker that takes nothing while work is due is replaced', async (t) => {
  const redis = await redisFor(t);
  const workers: Worker[] = [];
  const { logger, lines } = readableLogger();
  const store = await openStore(t, redis.url, { logger }, { stuckMs: 500, onWorker: (worker) => { workers.push(worker); } });
  const work = recordWork();
  store.queue.start(work);
  await addAll(store, [newDownlink('a', 'd')]);
  await until('it leaves', () => work.handed.length === 1);
  await workers[0]?.pause(true);
  // What a paused worker was about to fetch it still takes: only then is there work that nobody takes.
  let added = 1;
  await until('another worker', async () => {
    await addAll(store, [newDownlink(`n${added}`, `device-${added}`)]);
    added += 1;
    return workers.length >= 2;
  });
  await until('the others leave', () => work.handed.length === added);
  t.ok(workers.length >= 2);
  t.ok(lines.some(({ msg }) => msg.startsWith('no downlink was taken')));
});

void t.test('many that expire cost the rate nothing: the next leaves at once', async (t) => {
  const redis = await redisFor(t);
  const store = await openStore(t, redis.url, { ratePerSecond: () => 20 });
  const client = clientFor(t, redis.url);
  const work = recordWork();
  store.queue.start(work);
  const validUntil = Date.now() + 8_000;
  await addAll(store, Array.from({ length: 1_000 }, (_, index) => newDownlink(`n${index}`, `device-${index}`, { validUntil })));
  await until('they stand in line', async () => (await client.zcard('{lpwan-bridge}:line:main|factory')) > 500);
  await until('their time is over', () => Date.now() > validUntil);
  const notices = await store.queue.expire();
  // At 20 a second those before would take more than 40 s; until() waits 20 s.
  await addAll(store, [newDownlink('next', 'another')]);
  await until('the next leaves', () => work.names('another').length === 1);
  await until('nothing waits', async () => (await store.queue.totals('main')).waiting === 0);
  t.equal(notices.length + work.handed.length, 1_001, 'each either left or expired');
});

void t.test('one that leaves while others expire hides none of them', async (t) => {
  const redis = await redisFor(t);
  const store = await openStore(t, redis.url);
  const client = clientFor(t, redis.url);
  const submission = gate<Verdict>();
  const work = recordWork({ submit: () => submission.opened, holdMs: ({ deviceId }) => (deviceId === 'first' ? 0 : 60_000) });
  store.queue.start(work);
  const validUntil = Date.now();
  await addAll(store, [newDownlink('0', 'first', { validUntil })]);
  await until('it is being submitted', () => work.handed.length === 1);
  // More than one step takes.
  await addAll(store, Array.from({ length: 450 }, (_, index) => newDownlink(`n${index}`, `device-${index}`, { validUntil })));
  const expiring = store.queue.expire();
  await until('the first step', async () => (await client.zcard('{lpwan-bridge}:validity')) < 451);
  submission.open(done);
  t.equal((await expiring).length, 450);
  await until('nothing waits', async () => (await store.queue.totals('main')).waiting === 0);
});

void t.test('a process that stands still does not send out together what it missed', async (t) => {
  const redis = await redisFor(t);
  const store = await openStore(t, redis.url, { ratePerSecond: () => 100 });
  let count = 0;
  const work = recordWork({
    submit() {
      count += 1;
      // Longer than the longest wait within the process: every moment that was given is missed.
      if (count % 40 === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250);
      return done;
    },
  });
  store.queue.start(work);
  await addAll(store, Array.from({ length: 200 }, (_, index) => newDownlink(`n${index}`, `device-${index}`)));
  await until('all left', () => work.handed.length === 200);
  const times = work.handed.map(({ at }) => at);
  const gaps = times.slice(5).map((at, index) => at - (times[index] ?? 0));
  t.ok(Math.min(...gaps) >= 1_000 / 100, 'no five in the time of one');
  t.ok(mostInOneSecond(times) <= 100, `${mostInOneSecond(times)} in one second`);
});

void t.test('devices in line that never come back do not stop the others', async (t) => {
  const redis = await redisFor(t);
  const store = await openStore(t, redis.url, { ratePerSecond: () => 100 });
  const client = clientFor(t, redis.url);
  await client.zadd('{lpwan-bridge}:line:main|factory', ...Array.from({ length: 60 }, (_, index) => [1, `d-gone-${index}`]).flat());
  const work = recordWork();
  store.queue.start(work);
  await addAll(store, Array.from({ length: 50 }, (_, index) => newDownlink(`n${index}`, `device-${index}`)));
  await until('all left', () => work.handed.length === 50);
  t.equal((await store.queue.totals('main')).waiting, 0);
});

void t.test('a retry that is taken out early frees its device, whenever it comes', async (t) => {
  const redis = await redisFor(t);
  const store = await openStore(t, redis.url, {}, { sweepMs: 600_000, stuckMs: 600_000 });
  const work = recordWork({ submit: ({ downlink }) => (downlink.deviceId.startsWith('n') && downlink.validUntil < Date.now() + 60_000 ? retry(1, 600_000) : done) });
  store.queue.start(work);
  for (let index = 0; index < 40; index += 1) {
    await addAll(store, [newDownlink(`short-${index}`, `n${index}`, { validUntil: Date.now() + 1 })]);
    const expiring = until('it expires or left', async () => (await store.queue.expire()).length > 0);
    await addAll(store, [newDownlink(`long-${index}`, `n${index}`)]);
    await expiring;
  }
  await until('all others leave', () => work.names().filter((name) => name.startsWith('long')).length === 40);
  t.equal((await store.queue.totals('main')).waiting, 0);
});
