import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { addAll, done, mostInOneSecond, newDownlink, recordWork } from '../../contracts/downlink-store-samples.js';
import { until } from '../../support/until.js';
import { openStore, redisFor } from './open-store.js';

const holder = fileURLToPath(new URL('./hold-downlinks.js', import.meta.url));

/** A process that takes downlinks and never answers; resolves when it holds so many. */
const startHolder = async (t: Test, url: string, count: number) => {
  const child = spawn(process.execPath, [holder, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  let held = 0;
  for await (const text of child.stdout.setEncoding('utf8')) {
    held += String(text).split('\n').length - 1;
    if (held >= count) break;
  }
  return child;
};

void t.test('two replicas share one rate, hand out one downlink of a device at a time, and each once', async (t) => {
  const redis = await redisFor(t);
  const options = { ratePerSecond: () => 100 };
  const [one, other] = [await openStore(t, redis.url, options), await openStore(t, redis.url, options)];
  const busy = new Set<string>();
  let overlaps = 0;
  const work = [one, other].map(() => recordWork({
    async submit({ downlink }) {
      if (busy.has(downlink.deviceId)) overlaps += 1;
      busy.add(downlink.deviceId);
      await new Promise((resolve) => setTimeout(resolve, 5));
      busy.delete(downlink.deviceId);
      return done;
    },
  }));
  const devices = Array.from({ length: 60 }, (_, index) => `device-${index}`);
  const names = (deviceId: string): string[] => Array.from({ length: 5 }, (_, index) => `${deviceId}/${index}`);
  for (const [index, store] of [one, other].entries()) store.queue.start(work[index] ?? recordWork());
  for (let index = 0; index < 5; index += 1) {
    await Promise.all(devices.map((deviceId, at) => addAll(at % 2 === 0 ? one : other, [newDownlink(`${deviceId}/${index}`, deviceId)])));
  }
  const handed = () => work.flatMap(({ handed: some }) => [...some]).sort((first, second) => first.at - second.at);
  await until('all are handed out', () => handed().length >= 300);
  await until('nothing waits', async () => (await one.queue.totals('main')).waiting === 0);
  t.equal(handed().length, 300, 'each once');
  for (const deviceId of devices) t.strictSame(handed().filter(({ queued }) => queued.downlink.deviceId === deviceId).map(({ name }) => name), names(deviceId));
  t.equal(overlaps, 0);
  const times = handed().map(({ at }) => at);
  t.ok(mostInOneSecond(times) <= 100, `${mostInOneSecond(times)} in one second`);
  for (const { handed: some } of work) t.ok(some.length > 0, `both took part: ${some.length}`);
});

void t.test('what a killed process was submitting is taken over, in order', async (t) => {
  const redis = await redisFor(t);
  const store = await openStore(t, redis.url, {}, { lockMs: 1_000 });
  for (const deviceId of ['a', 'b', 'c']) await addAll(store, [newDownlink(`${deviceId}-0`, deviceId), newDownlink(`${deviceId}-1`, deviceId)]);
  const child = await startHolder(t, redis.url, 3);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const work = recordWork();
  store.queue.start(work);
  await until('all left', async () => (await store.queue.totals('main')).waiting === 0);
  for (const deviceId of ['a', 'b', 'c']) t.same(work.names(deviceId), [`${deviceId}-0`, `${deviceId}-1`]);
});

void t.test('a process that was paused comes late: what it settles then harms nobody', async (t) => {
  const redis = await redisFor(t);
  const store = await openStore(t, redis.url, {}, { lockMs: 1_000 });
  await addAll(store, ['0', '1', '2'].map((name) => newDownlink(name, 'd')));
  const child = spawn(process.execPath, [holder, redis.url, 'answer'], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  child.kill('SIGSTOP');
  const work = recordWork();
  store.queue.start(work);
  await until('it was taken over', () => work.handed.length >= 1);
  child.stdin.end();
  child.kill('SIGCONT');
  await until('all left', async () => (await store.queue.totals('main')).waiting === 0);
  t.equal(work.names()[0], '0', 'submitted twice');
  t.same(work.names(), [...work.names()].sort(), 'in order');
  t.equal(new Set(work.names()).size, work.names().length, 'nothing twice by the one that took over');
});
