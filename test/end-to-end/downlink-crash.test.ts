/** Downlinks outlive the bridge: killed, stopped, and while nothing runs. The tests of a queue go on where the one before ended, each with devices of its own. */
import t, { type Test } from 'tap';
import type { TestBridge } from './support/bridge.js';
import { startMosquitto } from './support/broker.js';
import { expectNoViolations, hear, onBothQueues, setDownlinkScene, startBridge, type DownlinkScene, type QueueKind } from './support/downlink-scene.js';
import { correlationIdOf, correlationIdsOf, countSent, deviceOf, downlinkForms, downlinkMessage, judgeDownlinks, mergeSent, newCorrelationId, numberedDownlinks } from './support/downlinks.js';
import { downlinkOf, postBidir, postData, sigfoxMessage } from './support/sigfox-cloud.js';

/** So fast that the kill falls into the middle of submitting, with many under way. */
const fast = { downlinkNetworkServer: 'chirpstack', downlinksPerSecond: 1_000 };

interface Stage {
  readonly scene: DownlinkScene;
  /** Starts the bridge again; it runs on when the test that did so is over. */
  readonly start: () => Promise<TestBridge>;
}

/** @returns the bridge that runs in the end */
const killedTwice = async (t: Test, { scene, start }: Stage, first: TestBridge): Promise<TestBridge> => {
  const server = scene.server('chirpstack');
  server.behave({ do: 'refuse', status: 500 });
  const { messages, sent } = numberedDownlinks({ devices: 50, count: 1_000 });
  await scene.broker.publish(messages);
  await scene.broker.received.until('400 queued', () => scene.statuses.queued().length >= 400);
  await first.kill();

  const second = await start();
  await scene.statuses.untilAll(correlationIdsOf(sent), 'queued');
  t.equal(server.taken().length, 0, 'all 1,000 are queued');
  server.behave({ do: 'take-late', afterMs: 20 });
  await server.until('200 arrivals', () => server.taken().length >= 200);
  await second.kill();
  t.ok(server.taken().length < 1_000, `the kill came after ${server.taken().length} of 1,000`);

  server.behave({ do: 'take' });
  const third = await start();
  await scene.statuses.untilAll(correlationIdsOf(sent), 'submitted', 90_000);
  const verdict = judgeDownlinks(sent, server.taken());
  t.match(verdict, { sent: 1_000, lost: 0, outOfOrder: 0 });
  t.comment(`${verdict.again} of 1,000 were submitted twice: the network server had them, and the bridge died before it had noted so`);
  t.ok(verdict.again <= 200, 'only what was under way at the kill may come twice');
  t.strictSame(scene.statuses.all().filter(({ state }) => state === 'failed' || state === 'expired' || state === 'rejected'), [], 'none was given up');
  return third;
};

/** @returns the bridge that runs in the end */
const stoppedUnderWay = async (t: Test, { scene, start }: Stage, first: TestBridge): Promise<TestBridge> => {
  const server = scene.server('chirpstack');
  const before = server.taken().length;
  const ours = { devices: 20, family: 'de' };
  server.behave({ do: 'take-late', afterMs: 20 });
  const { messages, sent } = numberedDownlinks({ ...ours, count: 400 });
  await scene.broker.publish(messages);
  await server.until('100 arrivals', () => server.taken().length >= before + 100);
  t.equal(await first.stop(), 0);
  const second = await start();
  // AWS sends new messages before the stored ones, so these follow when those are in.
  await scene.statuses.untilAll(correlationIdsOf(sent), 'queued');
  const more = numberedDownlinks({ ...ours, count: 20, from: 20 });
  await scene.broker.publish(more.messages);
  const all = mergeSent(sent, more.sent);
  await scene.statuses.untilAll(correlationIdsOf(all), 'submitted');
  t.match(judgeDownlinks(all, server.taken().slice(before)), { sent: countSent(all), lost: 0, outOfOrder: 0, again: 0 });
  server.behave({ do: 'take' });
  return second;
};

const sentWhileStopped = async (t: Test, { scene, start }: Stage, first: TestBridge): Promise<void> => {
  const server = scene.server('chirpstack');
  const deviceId = deviceOf(0, 'df');
  await hear(first, server, deviceId);
  t.equal((await postData(first, sigfoxMessage('2C30C0'))).status, 204);
  t.equal(await first.stop(), 0);
  const ids = downlinkForms.map(() => newCorrelationId());
  await scene.broker.publish(downlinkForms.map((form, index) => downlinkMessage({ deviceId, fPort: 1, payload: `0${index}`, correlationId: ids[index] ?? '' }, form)));
  const mailbox = newCorrelationId();
  await scene.broker.publish([downlinkMessage({ deviceId: '2c30c0', payload: '0102030405060708', correlationId: mailbox })]);
  const second = await start();
  await scene.statuses.untilAll(ids, 'submitted');
  t.strictSame(server.taken().filter(({ devEui }) => devEui === deviceId).map(({ payload }) => payload), ['00', '01', '02'], 'all of them, in order, once');
  await scene.statuses.until(mailbox, 'queued');
  t.equal(downlinkOf(await postBidir(second, sigfoxMessage('2C30C0')), '2C30C0'), '0102030405060708');
  t.equal(await second.stop(), 0);
};

onBothQueues('downlinks outlive the bridge', async (t: Test, queue: QueueKind) => {
  const scene = await setDownlinkScene(t, { queue, configuration: fast });
  const stage: Stage = { scene, start: () => startBridge(t, scene.home) };
  let bridge = await stage.start();
  await t.test('kill -9 with 1,000 downlinks queued loses none and keeps the order of each device', async (t) => void (bridge = await killedTwice(t, stage, bridge)));
  await t.test('SIGTERM with downlinks under way loses none and sends none twice', async (t) => void (bridge = await stoppedUnderWay(t, stage, bridge)));
  await t.test('downlinks sent while the bridge is stopped arrive after its start', (t) => sentWhileStopped(t, stage, bridge));
  expectNoViolations(t, scene, ['chirpstack']);
});

void t.test('a broker that is not ours keeps downlinks for the bridge as well', async (t) => {
  const scene = await setDownlinkScene(t, { queue: 'local', broker: startMosquitto, configuration: { downlinkNetworkServer: 'chirpstack' } });
  const deviceId = deviceOf(0);
  const before = numberedDownlinks({ devices: 1, count: 20 });
  const during = numberedDownlinks({ devices: 1, count: 20, from: 20 });
  const first = await startBridge(t, scene.home);
  await scene.broker.publish(before.messages);
  await scene.statuses.until(correlationIdOf(deviceId, 19), 'submitted');
  await first.kill();
  await scene.broker.publish(during.messages);
  const second = await startBridge(t, scene.home);
  await scene.statuses.until(correlationIdOf(deviceId, 39), 'submitted');
  t.match(judgeDownlinks(mergeSent(before.sent, during.sent), scene.server('chirpstack').taken()), { sent: 40, lost: 0, outOfOrder: 0 });
  t.equal(await second.stop(), 0);
});

void t.test('a bridge that is killed leaves what is queued to the other', async (t) => {
  const scene = await setDownlinkScene(t, { queue: 'redis', configuration: { downlinkNetworkServer: 'chirpstack' } });
  const server = scene.server('chirpstack');
  const [one, other] = await Promise.all([startBridge(t, scene.home), startBridge(t, scene.otherHome)]);
  server.behave({ do: 'refuse', status: 503 });
  const { messages, sent } = numberedDownlinks({ devices: 30, count: 300 });
  await scene.broker.publish(messages);
  await scene.statuses.untilAll(correlationIdsOf(sent), 'queued');
  server.behave({ do: 'take-late', afterMs: 20 });
  await server.until('the first arrivals', () => server.taken().length >= 50);
  await one.kill();
  await server.until('the arrival of all', () => judgeDownlinks(sent, server.taken()).lost === 0);
  t.comment(`${judgeDownlinks(sent, server.taken()).again} of 300 were submitted twice because of the kill`);
  t.equal(await other.stop(), 0);
});
