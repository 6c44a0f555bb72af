/** One network server in trouble: the others are not delayed, nothing is lost, and `/health` tells. */
import type { Test } from 'tap';
import { expectNoSecrets, expectNoViolations, hear, names, onBothQueues, setDownlinkScene, startBridge, untilHealth, type QueueKind } from './support/downlink-scene.js';
import { correlationIdsOf, countSent, deviceOf, judgeDownlinks, newCorrelationId, numberedDownlinks, sendDownlink } from './support/downlinks.js';
import type { NetworkServer } from './support/network-server.js';
import { devices, families, hearAll, trickle, twoServers } from './support/steady-downlinks.js';

/** The full figure: `DOWNLINK_OUTAGE_SECONDS=20 npm test -- downlink-outage`. */
const outageSeconds = Number(process.env['DOWNLINK_OUTAGE_SECONDS'] ?? 5);

/** Each kind of trouble, and what `/health` calls it. */
const troubles: readonly { readonly name: string; readonly begin: (a: NetworkServer) => unknown; readonly end?: (a: NetworkServer) => Promise<void>; readonly reason: string; readonly seconds: number }[] = [
  { name: 'answers 500', begin: (a) => a.behave({ do: 'refuse', status: 500 }), reason: 'network_server_busy', seconds: outageSeconds },
  { name: 'answers 401', begin: (a) => a.behave({ do: 'refuse', status: 401 }), reason: 'network_server_unauthorised', seconds: 2 },
  { name: 'hangs', begin: (a) => a.behave({ do: 'hang' }), reason: 'network_server_timeout', seconds: 2 },
  { name: 'closes without an answer', begin: (a) => a.behave({ do: 'close' }), reason: 'network_server', seconds: 2 },
  { name: 'is not there', begin: (a) => a.leave(), end: (a) => a.comeBack(), reason: 'network_server_unreachable', seconds: 2 },
];

for (const { name, begin, end, reason, seconds } of troubles) {
  onBothQueues(`network server A ${name}, B goes on; A gets all of its own in order afterwards`, async (t: Test, queue: QueueKind) => {
    const patient = { timeout: '500ms', attempts: 1_000, backoff: { min: '100ms', max: '1s' } };
    const scene = await setDownlinkScene(t, { queue, servers: twoServers, downlink: { a: patient } });
    const [a, b] = [scene.server('a'), scene.server('b')];
    const bridge = await startBridge(t, scene.home);
    await hearAll(scene, bridge);
    await begin(a);
    const toA = numberedDownlinks({ devices, count: 100, family: families.a });
    await scene.broker.publish(toA.messages);
    await scene.statuses.untilAll(correlationIdsOf(toA.sent), 'queued');
    await untilHealth(bridge, 'A fails', names(new RegExp(`^network server a ${reason}`)));
    const toB = await trickle(scene, families.b, seconds);
    await scene.statuses.untilAll(correlationIdsOf(toB), 'submitted');
    t.equal(a.taken().length, 0, 'A had nothing yet when B had everything');
    t.match(judgeDownlinks(toB, b.taken()), { sent: countSent(toB), lost: 0, outOfOrder: 0, again: 0 });
    a.behave({ do: 'take' });
    await end?.(a);
    await scene.statuses.untilAll(correlationIdsOf(toA.sent), 'submitted');
    t.match(judgeDownlinks(toA.sent, a.taken()), { sent: 100, lost: 0, outOfOrder: 0, again: 0 });
    await untilHealth(bridge, 'all is well', ({ status }) => status === 'ok');
    expectNoViolations(t, scene, ['a', 'b']);
    await expectNoSecrets(t, scene, bridge);
    t.equal(await bridge.stop(), 0);
  });
}

onBothQueues('an unknown outcome is final where the operator says so', async (t: Test, queue: QueueKind) => {
  const scene = await setDownlinkScene(t, { queue, downlink: { chirpstack: { timeout: '300ms', onUnknown: 'fail' } } });
  const bridge = await startBridge(t, scene.home);
  const server = scene.server('chirpstack');
  const deviceId = deviceOf(0);
  await hear(bridge, server, deviceId);
  server.behave({ do: 'hang' });
  const correlationId = newCorrelationId();
  await sendDownlink(scene.broker, { deviceId, fPort: 1, payload: '0a', correlationId });
  t.match(await scene.statuses.until(correlationId, 'failed'), { cause: { code: 'network_server_timeout' }, attempt: 1 });
  t.equal(server.arrivals.length, 1, 'it was tried once');
  t.equal(await bridge.stop(), 0);
});

onBothQueues('attempts are bounded', async (t: Test, queue: QueueKind) => {
  const scene = await setDownlinkScene(t, { queue, downlink: { chirpstack: { attempts: 3 } } });
  const bridge = await startBridge(t, scene.home);
  const server = scene.server('chirpstack');
  const deviceId = deviceOf(0);
  await hear(bridge, server, deviceId);
  server.behave({ do: 'refuse', status: 500 });
  const correlationId = newCorrelationId();
  await sendDownlink(scene.broker, { deviceId, fPort: 1, payload: '0a', correlationId });
  t.match(await scene.statuses.until(correlationId, 'failed'), { attempt: 3 });
  t.equal(server.arrivals.length, 3);
  t.equal(await bridge.stop(), 0);
});
