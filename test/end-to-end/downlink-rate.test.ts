/** The rate of downlinks, measured where they arrive. */
import t, { type Test } from 'tap';
import type { TestBridge } from './support/bridge.js';
import { expectNoViolations, onBothQueues, setDownlinkScene, startBridge, type DownlinkScene, type QueueKind } from './support/downlink-scene.js';
import { busiestSecond, correlationIdsOf, judgeDownlinks, numberedDownlinks, sustainedRate, type DownlinkVerdict } from './support/downlinks.js';

const atOnce = { devices: 30, count: 300 };

/**
 * `DOWNLINK_RATE_LEAST=90` demands that rate, in one of three tries. How fast a machine is that others use as well is no matter for a
 * test that must pass anywhere, so without it the rate is only told; that no second holds more than 100 is always demanded.
 */
const least = Number(process.env['DOWNLINK_RATE_LEAST'] ?? 0);
const tries = least > 0 ? 3 : 1;

/** Sends 300 downlinks at once. @returns the times of their arrival, and the verdict */
const burst = async (scene: DownlinkScene, round: number): Promise<{ readonly times: readonly number[]; readonly verdict: DownlinkVerdict }> => {
  const server = scene.server('chirpstack');
  const before = server.arrivals.length;
  const { messages, sent } = numberedDownlinks({ ...atOnce, from: round * atOnce.count });
  await scene.broker.publish(messages);
  await server.until('the arrival of all', (arrivals) => arrivals.length >= before + atOnce.count);
  await scene.statuses.untilAll(correlationIdsOf(sent), 'submitted');
  const arrivals = server.arrivals.slice(before);
  return { times: arrivals.map(({ at }) => at), verdict: judgeDownlinks(sent, arrivals) };
};

/** All of 300 arrive once, at no more than 100 in any second, and at no less than what is demanded from the first to the last. */
const expectRate = async (t: Test, scene: DownlinkScene, inOrder: boolean): Promise<void> => {
  const rates: number[] = [];
  for (let round = 0; round < tries && !(round > 0 && rates.some((rate) => rate >= least)); round += 1) {
    const { times, verdict } = await burst(scene, round);
    rates.push(sustainedRate(times));
    const busiest = busiestSecond(times);
    t.comment(`${rates.at(-1)?.toFixed(1)} a second, at most ${busiest} in any second`);
    t.ok(busiest <= 100, `at most 100 in any second: ${busiest}`);
    t.match(verdict, { sent: 300, lost: 0, again: 0, ...(inOrder ? { outOfOrder: 0 } : {}) });
  }
  t.ok(rates.some((rate) => rate >= least), `at least ${least} a second: ${rates.map((rate) => rate.toFixed(1)).join(', ')}`);
  t.ok(rates.every((rate) => rate <= 100), 'at most 100 a second');
  expectNoViolations(t, scene, ['chirpstack']);
};

onBothQueues('300 downlinks at once: no second holds more than 100', async (t: Test, queue: QueueKind) => {
  const scene = await setDownlinkScene(t, { queue, configuration: { downlinkNetworkServer: 'chirpstack' } });
  const bridge = await startBridge(t, scene.home);
  await expectRate(t, scene, true);
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
  await expectRate(t, scene, false);
  const stored = (bridge: TestBridge): Promise<number> => bridge.metric('lpwan_bridge_downlinks_received_total{connection="main",result="stored"}');
  const shares = [await stored(one), await stored(other)];
  const all = scene.server('chirpstack').arrivals.length;
  t.comment(`of ${all}, ${shares.join(' and ')} came in by the two`);
  t.equal(shares.reduce((sum, share) => sum + share, 0), all, 'each downlink came in by one of them');
  t.ok(shares.every((share) => share > 0), 'both took part');
  t.equal(scene.statuses.all().filter(({ state }) => state === 'submitted').length, all, 'and was submitted once');
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
