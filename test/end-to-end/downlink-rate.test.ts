/** The rate of downlinks, measured where they arrive. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import t, { type Test } from 'tap';
import type { TestBridge } from './support/bridge.js';
import { expectNoViolations, onBothQueues, setDownlinkScene, startBridge, type DownlinkScene, type QueueKind } from './support/downlink-scene.js';
import { busiestSecond, correlationIdsOf, judgeDownlinks, numberedDownlinks, sustainedRate, type DownlinkVerdict } from './support/downlinks.js';

const atOnce = { devices: 30, count: 300 };

/** Sends 300 downlinks at once and judges what arrives: all of them, once, at 90 to 100 a second, and no more than 100 in any second. */
const expectRate = async (t: Test, scene: DownlinkScene): Promise<DownlinkVerdict> => {
  const server = scene.server('chirpstack');
  const { messages, sent } = numberedDownlinks(atOnce);
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  await scene.broker.publish(messages);
  await server.until('the arrival of all', (arrivals) => arrivals.length >= atOnce.count);
  delay.disable();
  const times = server.arrivals.map(({ at }) => at);
  const [busiest, rate] = [busiestSecond(times), sustainedRate(times)];
  t.comment(`${rate.toFixed(1)} a second, at most ${busiest} in any second; the clock that measured it stood still for up to ${(delay.max / 1e6).toFixed(0)} ms`);
  t.ok(busiest <= 100, `at most 100 in any second: ${busiest}`);
  t.ok(rate >= 90 && rate <= 100, `90 to 100 a second from the first to the last: ${rate.toFixed(1)}`);
  await scene.statuses.untilAll(correlationIdsOf(sent), 'submitted');
  const verdict = judgeDownlinks(sent, server.taken());
  t.match(verdict, { sent: 300, lost: 0, again: 0 });
  expectNoViolations(t, scene, ['chirpstack']);
  return verdict;
};

onBothQueues('300 downlinks at once leave at 90 to 100 a second', async (t: Test, queue: QueueKind) => {
  const scene = await setDownlinkScene(t, { queue, configuration: { downlinkNetworkServer: 'chirpstack' } });
  const bridge = await startBridge(t, scene.home);
  t.equal((await expectRate(t, scene)).outOfOrder, 0, 'in order for each device');
  t.equal(await bridge.stop(), 0);
});

onBothQueues('the rate holds while half of the attempts are refused', async (t: Test, queue: QueueKind) => {
  const scene = await setDownlinkScene(t, { queue, configuration: { downlinkNetworkServer: 'chirpstack' } });
  const bridge = await startBridge(t, scene.home);
  const server = scene.server('chirpstack');
  const refused = new Set<string>();
  server.behave(({ devEui, payload = '' }) => {
    const name = `${devEui}-${payload}`;
    if (Number.parseInt(payload, 16) % 2 === 0 || refused.has(name)) return { do: 'take' };
    refused.add(name);
    return { do: 'refuse', status: 503 };
  });
  const { messages, sent } = numberedDownlinks(atOnce);
  await scene.broker.publish(messages);
  await scene.statuses.untilAll(correlationIdsOf(sent), 'submitted');
  const busiest = busiestSecond(server.arrivals.map(({ at }) => at));
  t.ok(busiest <= 100, `at most 100 in any second, refused ones included: ${busiest}`);
  t.match(judgeDownlinks(sent, server.taken()), { lost: 0, outOfOrder: 0, again: 0 });
  t.equal(await bridge.stop(), 0);
});

/** AWS gives each message of a shared subscription to one of the two by chance, so the order between them is the order of storing, not that of publishing. */
void t.test('two bridges on one Redis keep the rate together, and each downlink leaves once', async (t) => {
  const scene = await setDownlinkScene(t, { queue: 'redis', configuration: { downlinkNetworkServer: 'chirpstack' } });
  const [one, other] = await Promise.all([startBridge(t, scene.home), startBridge(t, scene.otherHome)]);
  await expectRate(t, scene);
  const stored = (bridge: TestBridge): Promise<number> => bridge.metric('lpwan_bridge_downlinks_received_total{connection="main",result="stored"}');
  const shares = [await stored(one), await stored(other)];
  t.comment(`of 300, ${shares.join(' and ')} came in by the two`);
  t.equal(shares.reduce((sum, share) => sum + share, 0), 300, 'each downlink came in by one of them');
  t.ok(shares.every((share) => share > 0), 'both took part');
  t.equal(scene.statuses.all().filter(({ state }) => state === 'submitted').length, 300);
  t.equal(await one.stop(), 0);
  t.equal(await other.stop(), 0);
});

void t.test('a bridge that is killed leaves what is queued to the other', async (t) => {
  const scene = await setDownlinkScene(t, { queue: 'redis', configuration: { downlinkNetworkServer: 'chirpstack' } });
  const server = scene.server('chirpstack');
  const [one, other] = await Promise.all([startBridge(t, scene.home), startBridge(t, scene.otherHome)]);
  server.behave({ do: 'refuse', status: 503 });
  const { messages, sent } = numberedDownlinks(atOnce);
  await scene.broker.publish(messages);
  await scene.statuses.untilAll(correlationIdsOf(sent), 'queued');
  server.behave({ do: 'take-late', afterMs: 20 });
  await server.until('the first arrivals', () => server.taken().length >= 50);
  await one.kill();
  await server.until('the arrival of all', () => judgeDownlinks(sent, server.taken()).lost === 0);
  t.comment(`${judgeDownlinks(sent, server.taken()).again} of 300 were submitted twice because of the kill`);
  t.equal(await other.stop(), 0);
});
