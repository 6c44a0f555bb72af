/** Redis away under traffic: uplinks do not notice, downlinks resume by themselves, and `/health` tells. */
import t, { type Test } from 'tap';
import type { TestBridge } from './support/bridge.js';
import { expectNoViolations, healthOf, names, setDownlinkScene, startBridge, untilHealth, type DownlinkScene } from './support/downlink-scene.js';
import { correlationIdsOf, countSent, judgeDownlinks, numberedDownlinks, sentOf } from './support/downlinks.js';
import { at, countOf, everythingArrived, judge, runLoad, type Accepted } from './support/load.js';
import { devices, families, hearAll, trickle, twoServers } from './support/steady-downlinks.js';

/** The full figure: `REDIS_PAUSE_SECONDS=30 npm test -- redis-outage`. */
const pauseSeconds = Number(process.env['REDIS_PAUSE_SECONDS'] ?? 5);

/** Redis goes away in the way given, and comes back, under uplinks and downlinks all the time. */
const outliveRedis = async (t: Test, seconds: number, away: (scene: DownlinkScene, bridge: TestBridge) => Promise<void>): Promise<void> => {
  const scene = await setDownlinkScene(t, { queue: 'redis', servers: twoServers });
  const b = scene.server('b');
  const bridge = await startBridge(t, scene.home);
  await hearAll(scene, bridge);
  await untilHealth(bridge, 'all is well', ({ status }) => status === 'ok');
  const perSecond = 50;
  const total = seconds + 4;
  const uplinks: Promise<Accepted> = runLoad(bridge, { devices: 10, count: perSecond * total, perSecond, parallel: 10 });
  const downlinks = trickle(scene, families.b, total);
  await b.until('the first arrivals', (arrivals) => arrivals.length >= 10);
  await away(scene, bridge);
  const accepted = await uplinks;
  t.equal(countOf(accepted), perSecond * total, 'every uplink was answered 2xx');
  const sent = await downlinks;
  await scene.statuses.untilAll(correlationIdsOf(sent), 'submitted', 90_000);
  const verdict = judgeDownlinks(sent, b.taken());
  t.match(verdict, { sent: countSent(sent), lost: 0 });
  t.match(judgeDownlinks(sentOf(scene.statuses.queued()), b.taken()), { sent: countSent(sent), lost: 0, outOfOrder: 0 }, 'in the order in which they were queued');
  t.comment(`AWS itself, which sends new messages before stored ones, put ${verdict.outOfOrder} out of the order of publishing`);
  t.comment(`${verdict.again} of ${verdict.sent} downlinks were submitted twice`);
  await scene.broker.received.until('the uplinks', everythingArrived(accepted));
  t.match(judge(accepted, scene.broker.received.all), { lost: 0, outOfOrder: 0 });
  await untilHealth(bridge, 'all is well again', ({ status }) => status === 'ok');
  expectNoViolations(t, scene, ['a', 'b']);
  t.equal(await bridge.stop(), 0);
};

void t.test('Redis stands still (SIGSTOP): uplinks go on, downlinks resume by themselves, health tells', (t) =>
  outliveRedis(t, pauseSeconds, async (scene, bridge) => {
    const start = performance.now();
    scene.redis?.pause();
    await untilHealth(bridge, 'Redis is away', names(/redis/i));
    t.equal((await bridge.private('/ready')).status, 200, 'uplinks can be accepted');
    await at(start + pauseSeconds * 1_000);
    t.ok(names(/redis/i)(await healthOf(bridge)), 'health still names it');
    scene.redis?.resume();
  }));

void t.test('Redis is killed and comes back: uplinks go on, downlinks resume by themselves, health tells', (t) =>
  outliveRedis(t, 3, async (scene, bridge) => {
    await scene.redis?.kill();
    await untilHealth(bridge, 'Redis is away', names(/redis/i));
    t.equal((await bridge.private('/ready')).status, 200, 'uplinks can be accepted');
    await scene.redis?.restart();
  }));

void t.test('Redis is restarted at once', (t) => outliveRedis(t, 2, async (scene) => scene.redis?.restart()));

void t.test('the bridge starts while Redis is away, takes uplinks, and downlinks begin when it is there', async (t) => {
  const scene = await setDownlinkScene(t, { queue: 'redis', servers: twoServers });
  const first = await startBridge(t, scene.home);
  await hearAll(scene, first);
  t.equal(await first.stop(), 0);
  const { messages, sent } = numberedDownlinks({ devices, count: 20, family: families.b });
  scene.redis?.pause();
  const second = await startBridge(t, scene.home);
  await scene.broker.publish(messages);
  const accepted = await runLoad(second, { devices: 10, count: 50, parallel: 10 });
  t.equal(countOf(accepted), 50, 'every uplink was answered 2xx');
  await untilHealth(second, 'Redis is away', names(/redis/i));
  scene.redis?.resume();
  await scene.statuses.untilAll(correlationIdsOf(sent), 'submitted');
  t.match(judgeDownlinks(sent, scene.server('b').taken()), { lost: 0, outOfOrder: 0, again: 0 });
  t.equal(await second.stop(), 0);
});
