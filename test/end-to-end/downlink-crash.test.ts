/** Downlinks outlive the bridge: stopped, and killed. */
import t, { type Test } from 'tap';
import { startMosquitto } from './support/broker.js';
import { expectNoViolations, hear, onBothQueues, setDownlinkScene, startBridge, type QueueKind } from './support/downlink-scene.js';
import { correlationIdOf, correlationIdsOf, countSent, deviceOf, downlinkForms, downlinkMessage, judgeDownlinks, mergeSent, newCorrelationId, numberedDownlinks } from './support/downlinks.js';
import { downlinkOf, postBidir, postData, sigfoxMessage } from './support/sigfox-cloud.js';

onBothQueues('downlinks sent while the bridge is stopped arrive after its start', async (t: Test, queue: QueueKind) => {
  const scene = await setDownlinkScene(t, { queue });
  const server = scene.server('chirpstack');
  const first = await startBridge(t, scene.home);
  const deviceId = deviceOf(0);
  await hear(first, server, deviceId);
  t.equal((await postData(first, sigfoxMessage('2C30C0'))).status, 204);
  t.equal(await first.stop(), 0);
  const ids = downlinkForms.map(() => newCorrelationId());
  await scene.broker.publish(downlinkForms.map((form, index) => downlinkMessage({ deviceId, fPort: 1, payload: `0${index}`, correlationId: ids[index] ?? '' }, form)));
  const mailbox = newCorrelationId();
  await scene.broker.publish([downlinkMessage({ deviceId: '2c30c0', payload: '0102030405060708', correlationId: mailbox })]);
  const second = await startBridge(t, scene.home);
  await scene.statuses.untilAll(ids, 'submitted');
  t.strictSame(server.taken().map(({ payload }) => payload), ['00', '01', '02'], 'all of them, in order, once');
  await scene.statuses.until(mailbox, 'queued');
  t.equal(downlinkOf(await postBidir(second, sigfoxMessage('2C30C0')), '2C30C0'), '0102030405060708');
  t.equal(await second.stop(), 0);
});

/** So fast that the kill falls into the middle of submitting, with many under way. */
const fast = { downlinkNetworkServer: 'chirpstack', downlinksPerSecond: 1_000 };

onBothQueues('kill -9 with 1,000 downlinks queued loses none and keeps the order of each device', async (t: Test, queue: QueueKind) => {
  const scene = await setDownlinkScene(t, { queue, configuration: fast });
  const server = scene.server('chirpstack');
  server.behave({ do: 'refuse', status: 500 });
  const { messages, sent } = numberedDownlinks({ devices: 50, count: 1_000 });

  const first = await startBridge(t, scene.home);
  await scene.broker.publish(messages);
  await scene.broker.received.until('400 queued', () => scene.statuses.all().filter(({ state }) => state === 'queued').length >= 400);
  await first.kill();

  const second = await startBridge(t, scene.home);
  await scene.statuses.untilAll(correlationIdsOf(sent), 'queued');
  t.equal(server.taken().length, 0, 'all 1,000 are queued');
  server.behave({ do: 'take-late', afterMs: 20 });
  await server.until('200 arrivals', () => server.taken().length >= 200);
  await second.kill();
  t.ok(server.taken().length < 1_000, `the kill came after ${server.taken().length} of 1,000`);

  server.behave({ do: 'take' });
  const third = await startBridge(t, scene.home);
  await scene.statuses.untilAll(correlationIdsOf(sent), 'submitted', 90_000);
  const verdict = judgeDownlinks(sent, server.taken());
  t.match(verdict, { sent: 1_000, lost: 0, outOfOrder: 0 });
  t.comment(`${verdict.again} of 1,000 were submitted twice: the network server had them, and the bridge died before it had noted so`);
  t.ok(verdict.again <= 200, 'only what was under way at the kill may come twice');
  t.strictSame(scene.statuses.all().filter(({ state }) => state === 'failed' || state === 'expired' || state === 'rejected'), [], 'none was given up');
  expectNoViolations(t, scene, ['chirpstack']);
  t.equal(await third.stop(), 0);
});

onBothQueues('SIGTERM with downlinks under way loses none and sends none twice', async (t: Test, queue: QueueKind) => {
  const scene = await setDownlinkScene(t, { queue, configuration: fast });
  const server = scene.server('chirpstack');
  server.behave({ do: 'take-late', afterMs: 20 });
  const { messages, sent } = numberedDownlinks({ devices: 20, count: 400 });
  const first = await startBridge(t, scene.home);
  await scene.broker.publish(messages);
  await server.until('100 arrivals', (arrivals) => arrivals.length >= 100);
  t.equal(await first.stop(), 0);
  const second = await startBridge(t, scene.home);
  // AWS sends new messages before the stored ones, so these follow when those are in.
  await scene.statuses.untilAll(correlationIdsOf(sent), 'queued');
  const more = numberedDownlinks({ devices: 20, count: 20, from: 20 });
  await scene.broker.publish(more.messages);
  const all = mergeSent(sent, more.sent);
  await scene.statuses.untilAll(correlationIdsOf(all), 'submitted');
  t.match(judgeDownlinks(all, server.taken()), { sent: countSent(all), lost: 0, outOfOrder: 0, again: 0 });
  t.equal(await second.stop(), 0);
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
