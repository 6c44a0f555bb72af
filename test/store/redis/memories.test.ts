import t from 'tap';
import { rejectsWith } from '../../contracts/downlink-store-opened.js';
import { newDevice, downlinkId, newDownlink, addAll, recordWork, nameOf } from '../../contracts/downlink-store-samples.js';
import { until } from '../../support/until.js';
import { clientFor, openStore, redisFor } from './open-store.js';

const life = { downlinkId: downlinkId('a'), connectionId: 'main', deviceId: 'd' };
const thing = { connectionId: 'main', deviceId: 'd', thingName: 'D', state: 'ready', since: 1 } as const;

void t.test('lives end a day after their last change, and one that is repeated is no change', async (t) => {
  const redis = await redisFor(t);
  const { lives } = await openStore(t, redis.url);
  const client = clientFor(t, redis.url);
  const key = `{lpwan-bridge}:life:${life.downlinkId}`;
  const keptMs = 86_400_000;
  lives.note(life, { state: 'queued', time: 1, attempt: 0 });
  await lives.find(life.downlinkId);
  t.ok((await client.pttl(key)) > keptMs - 60_000);
  await client.pexpire(key, 10_000);
  lives.note(life, { state: 'queued', time: 2, attempt: 0 });
  await lives.find(life.downlinkId);
  t.ok((await client.pttl(key)) <= 10_000);
  lives.note(life, { state: 'submitted', time: 3, attempt: 1 });
  await lives.find(life.downlinkId);
  t.ok((await client.pttl(key)) > keptMs - 60_000);
});

void t.test('two replicas note steps of one life, things of one device and its activity, and see each other\'s', async (t) => {
  const redis = await redisFor(t);
  const tuning = { activityMs: 20 };
  const [one, other] = [await openStore(t, redis.url, {}, tuning), await openStore(t, redis.url, {}, tuning)];
  one.lives.note(life, { state: 'queued', time: 1, attempt: 0 });
  await one.lives.find(life.downlinkId);
  other.lives.note(life, { state: 'queued', time: 2, attempt: 0 });
  other.lives.note(life, { state: 'submitted', time: 3, attempt: 1 });
  await until('the one sees it', async () => (await other.lives.find(life.downlinkId))?.steps.length === 2);
  t.match(await one.lives.find(life.downlinkId), { steps: [{ state: 'queued', time: 1 }, { state: 'submitted', time: 3 }] });
  one.things.put(thing);
  await one.things.of('d');
  t.strictSame(await other.things.find('main', 'd'), thing);
  await other.things.forget('main');
  t.equal(await one.things.find('main', 'd'), undefined);
  one.devices.heard(newDevice('d'), { lastSeenAt: 2_000, fCnt: 2 });
  await until('the other knows the latest', async () => (await other.devices.find('d'))?.lastSeenAt === 2_000);
  other.devices.heard(newDevice('d'), { lastSeenAt: 1_000, fCnt: 1 });
  other.devices.heard(newDevice('e'), { lastSeenAt: 3_000 });
  await until('it wrote both', async () => (await one.devices.find('e'))?.lastSeenAt === 3_000);
  t.match(await one.devices.find('d'), { lastSeenAt: 2_000, fCnt: 2 }, 'the older one changed nothing');
});

void t.test('activity is gathered: a device that is heard a thousand times is written once', async (t) => {
  const redis = await redisFor(t);
  const store = await openStore(t, redis.url, {}, { activityMs: 3_600_000 });
  const client = clientFor(t, redis.url);
  for (let index = 0; index < 1_000; index += 1) store.devices.heard(newDevice('d'), { lastSeenAt: 1_000 + index, fCnt: index });
  await until('the record is written', async () => (await client.get('{lpwan-bridge}:device:d-d')) !== null);
  t.equal(await client.hget('{lpwan-bridge}:active', 'd-d'), null);
  t.match(await store.devices.find('d'), { lastSeenAt: 1_999, fCnt: 999 });
  t.match(await store.devices.list({}, { limit: 1 }), { devices: [{ deviceId: 'd', lastSeenAt: 1_999 }] });
  await store.close({ remaining: () => 5_000 });
  t.equal(await client.hget('{lpwan-bridge}:active', 'd-d'), '1999 999');
});

void t.test('what is noted while Redis is away is written when it comes back; what is asked fails', async (t) => {
  const redis = await redisFor(t);
  const store = await openStore(t, redis.url, {}, { watchMs: 100 });
  store.things.put({ ...thing, connectionId: 'zone' });
  await store.things.of('d');
  await redis.kill();
  await until('it is noticed', () => store.problem() !== undefined);
  store.lives.note(life, { state: 'queued', time: 1, attempt: 0 });
  store.things.put(thing);
  store.devices.heard(newDevice('d'), { lastSeenAt: 1_000 });
  t.strictSame(await store.things.find('main', 'd'), thing, 'not written yet');
  const calls = [
    store.lives.find(life.downlinkId), store.things.find('zone', 'd'), store.things.of('d'), store.things.forget('zone'),
    store.devices.list({}, { limit: 1 }), store.queue.waiting('d'), store.queue.clear('d'),
  ];
  for (const call of calls) await rejectsWith(t, call, 'store_unavailable');
  await redis.restart();
  await until('it is back', () => store.problem() === undefined);
  await until('the life is there', async () => (await store.lives.find(life.downlinkId)) !== undefined);
  t.equal((await store.things.of('d')).length, 2);
  const client = clientFor(t, redis.url);
  await until('the activity is written', async () => (await client.hget('{lpwan-bridge}:active', 'd-d')) === '1000');
});

void t.test('a record that was written before there was a list is listed once its device is heard', async (t) => {
  const redis = await redisFor(t);
  const client = clientFor(t, redis.url);
  await client.set('{lpwan-bridge}:device:d-old', JSON.stringify(newDevice('old')));
  const store = await openStore(t, redis.url);
  t.strictSame(await store.devices.list({}, { limit: 5 }), { devices: [] });
  store.devices.heard(newDevice('old'));
  t.strictSame(await store.devices.list({}, { limit: 5 }), { devices: [newDevice('old')] });
  t.strictSame(await store.devices.list({}, { limit: 5, after: 'no such cursor' }), { devices: [] });
});

void t.test('another replica clears what waits, but not what is being submitted here', async (t) => {
  const redis = await redisFor(t);
  const [one, other] = [await openStore(t, redis.url), await openStore(t, redis.url)];
  let answer: () => void = () => undefined;
  const work = recordWork({ submit: () => new Promise((resolve) => { answer = () => { resolve({ kind: 'done' }); }; }) });
  one.queue.start(work);
  await addAll(other, [newDownlink('head', 'd')]);
  await until('it is being submitted', () => work.handed.length === 1);
  await addAll(other, [newDownlink('a', 'd')]);
  t.same((await other.queue.waiting('d')).map(({ downlink }) => nameOf(downlink)), ['head', 'a']);
  t.match(await other.queue.clear('d'), [{ downlink: { correlationId: 'a' }, state: 'failed', cause: { code: 'downlink_deleted' } }]);
  answer();
  await until('nothing waits', async () => (await other.queue.totals('main')).waiting === 0);
  t.same(work.names(), ['head']);
});
