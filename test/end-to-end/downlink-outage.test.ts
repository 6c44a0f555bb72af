/** One network server in trouble: the others are not delayed, nothing is lost, and `/health` tells. */
import type { Test } from 'tap';
import type { TestBridge } from './support/bridge.js';
import { expectNoSecrets, expectNoViolations, hear, names, onBothQueues, setDownlinkScene, startBridge, untilHealth, type DownlinkScene, type QueueKind } from './support/downlink-scene.js';
import { correlationIdsOf, countSent, deviceOf, judgeDownlinks, newCorrelationId, numberedDownlinks, sendDownlink } from './support/downlinks.js';
import type { NetworkServer } from './support/network-server.js';
import type { Status } from './support/status-log.js';
import { devices, families, hearAll, trickle, twoServers } from './support/steady-downlinks.js';

/** The full figure: `DOWNLINK_OUTAGE_SECONDS=20 npm test -- downlink-outage`. */
const outageSeconds = Number(process.env['DOWNLINK_OUTAGE_SECONDS'] ?? 5);

interface Trouble {
  readonly name: string;
  readonly begin: (a: NetworkServer) => unknown;
  readonly end?: (a: NetworkServer) => Promise<void>;
  /** What `/health` calls it. */
  readonly reason: string;
  readonly seconds: number;
}

const troubles: readonly Trouble[] = [
  { name: 'answers 500', begin: (a) => a.behave({ do: 'refuse', status: 500 }), reason: 'network_server_busy', seconds: outageSeconds },
  { name: 'answers 401', begin: (a) => a.behave({ do: 'refuse', status: 401 }), reason: 'network_server_unauthorised', seconds: 2 },
  { name: 'hangs', begin: (a) => a.behave({ do: 'hang' }), reason: 'network_server_timeout', seconds: 2 },
  { name: 'closes without an answer', begin: (a) => a.behave({ do: 'close' }), reason: 'network_server', seconds: 2 },
  { name: 'is not there', begin: (a) => a.leave(), end: (a) => a.comeBack(), reason: 'network_server_unreachable', seconds: 2 },
];

interface Stage {
  readonly scene: DownlinkScene;
  readonly bridge: TestBridge;
}

/** `from`: number of the first downlink to each device, so that no trouble takes those of another for its own. */
const outlive = async (t: Test, { scene, bridge }: Stage, { begin, end, reason, seconds }: Trouble, from: number): Promise<void> => {
  const [a, b] = [scene.server('a'), scene.server('b')];
  const [before, beforeB] = [a.taken().length, b.taken().length];
  await begin(a);
  const toA = numberedDownlinks({ devices, count: 100, from, family: families.a });
  await scene.broker.publish(toA.messages);
  await scene.statuses.untilAll(correlationIdsOf(toA.sent), 'queued');
  await untilHealth(bridge, 'A fails', names(new RegExp(`^network server a ${reason}`)));
  const toB = await trickle(scene, families.b, seconds, from);
  await scene.statuses.untilAll(correlationIdsOf(toB), 'submitted');
  t.equal(a.taken().length, before, 'A had nothing yet when B had everything');
  t.match(judgeDownlinks(toB, b.taken().slice(beforeB)), { sent: countSent(toB), lost: 0, outOfOrder: 0, again: 0 });
  a.behave({ do: 'take' });
  await end?.(a);
  await scene.statuses.untilAll(correlationIdsOf(toA.sent), 'submitted');
  t.match(judgeDownlinks(toA.sent, a.taken().slice(before)), { sent: 100, lost: 0, outOfOrder: 0, again: 0 });
  await untilHealth(bridge, 'all is well', ({ status }) => status === 'ok');
  expectNoViolations(t, scene, ['a', 'b']);
  await expectNoSecrets(t, scene, bridge);
};

/** One downlink that fails in the end. @returns its last state */
const failed = async ({ scene, bridge }: Stage, server: NetworkServer, deviceId: string): Promise<Status> => {
  await hear(bridge, server, deviceId);
  const correlationId = newCorrelationId();
  await sendDownlink(scene.broker, { deviceId, fPort: 1, payload: '0a', correlationId });
  return scene.statuses.until(correlationId, 'failed');
};

const patient = { timeout: '500ms', attempts: 1_000, backoff: { min: '100ms', max: '1s' } };
/** The troubles before never number as many downlinks to one device. */
const apart = 1_000;

onBothQueues('network servers in trouble', async (t: Test, queue: QueueKind) => {
  const servers = { ...twoServers, final: 'chirpstack', few: 'chirpstack' } as const;
  const scene = await setDownlinkScene(t, { queue, servers, downlink: { a: patient, final: { timeout: '300ms', onUnknown: 'fail' }, few: { attempts: 3 } } });
  const stage = { scene, bridge: await startBridge(t, scene.home) };
  await hearAll(scene, stage.bridge);
  for (const [index, trouble] of troubles.entries()) {
    await t.test(`network server A ${trouble.name}, B goes on; A gets all of its own in order afterwards`, (t) => outlive(t, stage, trouble, index * apart));
  }

  await t.test('an unknown outcome is final where the operator says so', async (t) => {
    const server = scene.server('final');
    server.behave({ do: 'hang' });
    t.match(await failed(stage, server, deviceOf(0)), { cause: { code: 'network_server_timeout' }, attempt: 1 });
    t.equal(server.arrivals.length, 1, 'it was tried once');
  });

  await t.test('attempts are bounded', async (t) => {
    const server = scene.server('few');
    server.behave({ do: 'refuse', status: 500 });
    t.match(await failed(stage, server, deviceOf(1)), { attempt: 3 });
    t.equal(server.arrivals.length, 3);
  });
  t.equal(await stage.bridge.stop(), 0);
});
