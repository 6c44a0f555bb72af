/** What a connection's sessions do while its settings change: another certificate, WebSockets, signing, validity. */
import { AttachPolicyCommand, CreateKeysAndCertificateCommand, CreatePolicyCommand } from '@aws-sdk/client-iot';
import t, { type Test } from 'tap';
import { until } from '../support/until.js';
import { openConnection, portOf, postUplink, registryClient, setLiveScene, untilState, type LiveScene } from './support/live-scene.js';
import { expectBalance } from './support/scenarios.js';

const devices = Array.from({ length: 10 }, (_, index) => (0x0018b20000000200n + BigInt(index)).toString(16).padStart(16, '0'));
const [first = ''] = devices;

/** Another certificate of the account, with a policy that allows everything. */
const newCertificate = async (t: Test, scene: LiveScene): Promise<{ readonly certificate: string; readonly privateKey: string; readonly certificateId: string }> => {
  const client = registryClient(t, scene);
  const made = await client.send(new CreateKeysAndCertificateCommand({ setAsActive: true }));
  await client.send(new CreatePolicyCommand({ policyName: 'all', policyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }] }) }));
  await client.send(new AttachPolicyCommand({ policyName: 'all', target: made.certificateArn ?? '' }));
  return { certificate: made.certificatePem ?? '', privateKey: made.keyPair?.PrivateKey ?? '', certificateId: made.certificateArn ?? '' };
};

const connectsOf = async ({ bridge }: LiveScene, id: string): Promise<number> => Number((await bridge.api('GET', `/connections/${id}`)).json['connects']);

void t.test('a certificate is replaced under load: every uplink arrives, in order', async (t) => {
  const scene = await setLiveScene(t);
  const { bridge, broker } = scene;
  const id = await openConnection(scene, { createDevices: false, accessKeyId: null, secretAccessKey: null });
  const next = await newCertificate(t, scene);
  const connects = await connectsOf(scene, id);
  let changing: Promise<unknown> | undefined;
  const rounds = 60;
  for (let fCnt = 1; fCnt <= rounds; fCnt += 1) {
    if (fCnt === 20) changing = bridge.api('PATCH', `/connections/${id}`, { configuration: next });
    t.strictSame(await Promise.all(devices.map((devEui) => postUplink(bridge, { devEui, fCnt }))), devices.map(() => 204));
  }
  await changing;
  await until('a session with the new certificate', async () => (await connectsOf(scene, id)) > connects);
  await until('everything delivered', async () => (await bridge.metric(`lpwan_bridge_outbox_pending_messages{connection="${id}"}`)) === 0);
  for (const devEui of devices) {
    const fCnts = broker.received.all.filter(({ topic }) => topic === `tpx/things/${devEui.toUpperCase()}/uplink`).map(({ payload }) => (JSON.parse(payload) as { DevEUI_uplink: { FCntUp: number } }).DevEUI_uplink.FCntUp);
    t.strictSame([...new Set(fCnts)], Array.from({ length: rounds }, (_, index) => index + 1), `${devEui}: all of them, in order`);
  }
  await broker.control({ do: 'certificate', status: 'INACTIVE' });
  t.equal(await postUplink(bridge, { devEui: first, fCnt: 100 }), 204);
  await until('an uplink after the old certificate went', async () => (await bridge.metric(`lpwan_bridge_outbox_pending_messages{connection="${id}"}`)) === 0);
  t.match((await bridge.api('GET', `/connections/${id}`)).json, { state: 'OPENED', configuration: { certificateId: next.certificateId } });
  await expectBalance(t, bridge);
});

void t.test('MQTT over WebSocket, signed with the access key, carries traffic both ways', async (t) => {
  const scene = await setLiveScene(t);
  const { bridge, broker } = scene;
  const settings = { protocol: 'WSS', endpoint: `localhost:${portOf(broker, 'wss')}`, certificate: null, privateKey: null, certificateId: null };
  const id = await openConnection(scene, settings);
  t.equal(await postUplink(bridge, { devEui: first, fCnt: 1 }), 204);
  await broker.received.until('the uplink', (all) => all.some(({ topic }) => topic === `tpx/things/${first.toUpperCase()}/uplink`), 20_000);
  await broker.publish([{ topic: `tpx/things/${first.toUpperCase()}/downlink`, payload: JSON.stringify({ DevEUI_downlink: { DevEUI: first, FPort: 1, payload_hex: '00', CorrelationID: 'over-wss' } }) }]);
  await broker.received.until('the status of the downlink', (all) => all.some(({ payload }) => payload.includes('over-wss')), 20_000);
  await broker.control({ do: 'iam-policy', document: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'sts:GetCallerIdentity', Resource: '*' }] } });
  t.match((await bridge.api('POST', `/connections/${id}/check`)).json, { ok: false });
});

void t.test('uplinks that become too old while AWS is away are parked where the connection says so', async (t) => {
  const scene = await setLiveScene(t);
  const { bridge, broker } = scene;
  const id = await openConnection(scene, { uplinkTimeValidity: '1s', expiredUplinks: 'park' });
  await broker.cut();
  t.equal(await postUplink(bridge, { devEui: first, fCnt: 1 }), 204);
  await until('the uplink to be too old', async () => (await bridge.metric(`lpwan_bridge_outbox_oldest_age_seconds{connection="${id}"}`)) > 1);
  await broker.restore();
  await untilState(bridge, id, 'OPENED');
  await until('the parked uplink', async () => (await bridge.metric(`lpwan_bridge_outbox_parked_total{connection="${id}",reason="validity_ended"}`)) === 1);
  t.match((await bridge.api('GET', '/parked-messages')).body, /validity_ended/);
  await expectBalance(t, bridge);
});

void t.test("sendMetadata and sendRawDecodedFormat as ThingPark X's users know them", async (t) => {
  const scene = await setLiveScene(t);
  const { bridge, broker } = scene;
  const id = await openConnection(scene, { sendMetadata: true });
  t.equal(await postUplink(bridge, { devEui: first, fCnt: 1, payload: 'aabb' }), 204);
  await broker.received.until('the uplink', (all) => all.length === 1, 20_000);
  t.match(JSON.parse(broker.received.all[0]?.payload ?? '{}'), { DevEUI: first.toUpperCase(), payload_hex: 'aabb' }, 'without its root key');
  const notification = { DevEUI_notification: { Time: new Date().toISOString(), DevEUI: first.toUpperCase(), Type: 'reset', Var1: 'admin_reset', CustomerID: '100' } };
  t.equal((await bridge.call('/in/thingpark', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(notification) })).status, 204);
  t.equal(await bridge.metric('lpwan_bridge_messages_filtered_total{network_server="thingpark",reason="type_not_wanted"}'), 1, 'nothing but uplinks');
  t.equal((await bridge.api('PATCH', `/connections/${id}`, { configuration: { sendMetadata: false } })).status, 200);
});
