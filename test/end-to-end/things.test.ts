/** Devices become things in AWS, beside the data flow or before it; on a whole bridge against the sandbox's registry. */
import { CreateThingCommand, DescribeThingCommand } from '@aws-sdk/client-iot';
import t from 'tap';
import { until } from '../support/until.js';
import { deviceType, openConnection, postUplink, registryClient, setLiveScene, startLiveBridge, type LiveScene } from './support/live-scene.js';
import { expectBalance } from './support/scenarios.js';

const devices = Array.from({ length: 5 }, (_, index) => (0x0018b20000000100n + BigInt(index)).toString(16).padStart(16, '0'));
const [first = ''] = devices;

const topicOf = (devEui: string): string => `tpx/things/${devEui.toUpperCase()}/uplink`;
const receivedOf = ({ broker }: LiveScene, devEui: string): number[] =>
  broker.received.all.filter(({ topic }) => topic === topicOf(devEui)).map(({ payload }) => (JSON.parse(payload) as { DevEUI_uplink: { FCntUp: number } }).DevEUI_uplink.FCntUp);

const allow = (...actions: readonly string[]) => ({ do: 'iam-policy', document: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] } });

void t.test('registration: required holds the uplinks of new devices until their things exist, in order, over a restart', async (t) => {
  const scene = await setLiveScene(t);
  const id = await openConnection(scene, { registration: 'required' });
  await scene.broker.control(allow('iot:DescribeThing'));
  for (const fCnt of [1, 2, 3]) for (const devEui of devices) t.equal(await postUplink(scene.bridge, { devEui, fCnt }), 204);
  await until('the missing permission in the state of the connection', async () => (await scene.bridge.api('GET', `/connections/${id}`)).body.includes('iot:CreateThing'));
  t.match((await scene.bridge.private('/health')).body, /registry_forbidden/);
  t.equal(await scene.bridge.metric(`lpwan_bridge_outbox_pending_messages{connection="${id}"}`), 15);
  t.strictSame(devices.flatMap((devEui) => receivedOf(scene, devEui)), [], 'nothing left');

  t.equal(await scene.bridge.stop(), 0);
  const again = await startLiveBridge(t, scene.home);
  await scene.broker.control(allow('iot:*'));
  await until('all uplinks delivered', async () => (await again.metric(`lpwan_bridge_outbox_delivered_total{connection="${id}"}`)) === 15);
  for (const devEui of devices) t.strictSame(receivedOf(scene, devEui), [1, 2, 3], `${devEui} in order`);
  const thing = await registryClient(t, scene).send(new DescribeThingCommand({ thingName: first.toUpperCase() }));
  t.match(thing, { thingTypeName: deviceType, attributes: { managedBy: 'lpwan-bridge' } });
  await expectBalance(t, again);
});

void t.test('beside: what AWS forbids delays nothing', async (t) => {
  const scene = await setLiveScene(t);
  const { bridge, broker } = scene;
  const id = await openConnection(scene);
  await broker.control({ do: 'iam-policy', document: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'sts:GetCallerIdentity', Resource: '*' }] } });
  for (const devEui of devices) t.equal(await postUplink(bridge, { devEui, fCnt: 1 }), 204);
  await until('all delivered', async () => (await bridge.metric(`lpwan_bridge_outbox_delivered_total{connection="${id}"}`)) === devices.length);
  await until('the event that names the permission', async () => /registry_forbidden.*iot:DescribeThing/s.test((await bridge.api('GET', `/connections/${id}/events`)).body));
  await broker.control({ do: 'iam-policy', document: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }] } });
  await until('the things all the same', async () => (await bridge.metric(`lpwan_bridge_registry_things_total{connection="${id}",state="ready"}`)) === devices.length);
});

void t.test('createDevices: false skips the uplinks of devices without a thing, and says so', async (t) => {
  const scene = await setLiveScene(t);
  const { bridge } = scene;
  const client = registryClient(t, scene);
  await client.send(new CreateThingCommand({ thingName: first.toUpperCase() }));
  const id = await openConnection(scene, { createDevices: false });
  for (const devEui of devices) t.equal(await postUplink(bridge, { devEui, fCnt: 1 }), 204);
  await until('the skipped ones', async () => (await bridge.metric(`lpwan_bridge_outbox_parked_total{connection="${id}",reason="thing_missing"}`)) === devices.length - 1);
  await until('the other one', async () => receivedOf(scene, first).length === 1);
  await until('the events', async () => (await bridge.api('GET', `/connections/${id}/events`)).body.includes('thing_missing'));
  t.match((await bridge.api('GET', `/devices/${String(devices[1])}`)).json, { things: [{ state: 'missing' }] });
  await expectBalance(t, bridge);
});

void t.test('a thing of another system is left alone, and taken over when asked', async (t) => {
  const scene = await setLiveScene(t);
  const { bridge } = scene;
  const client = registryClient(t, scene);
  await client.send(new CreateThingCommand({ thingName: first.toUpperCase(), attributePayload: { attributes: { owner: 'somebody' } } }));
  const id = await openConnection(scene);
  t.equal(await postUplink(bridge, { devEui: first, fCnt: 1 }), 204);
  await until('its state', async () => (await bridge.api('GET', `/devices/${first}`)).body.includes('foreign'));
  await until('its uplink, all the same', async () => receivedOf(scene, first).length === 1);
  t.same((await client.send(new DescribeThingCommand({ thingName: first.toUpperCase() }))).attributes, { owner: 'somebody' });
  t.match((await bridge.api('POST', `/connections/${id}/things/sync`)).json, { applied: false, counts: { foreign: 1 } });
  t.equal((await bridge.api('PATCH', `/connections/${id}`, { configuration: { things: { takeOver: true } } })).status, 200);
  t.match((await bridge.api('POST', `/connections/${id}/things/sync?apply=true`)).json, { applied: true });
  t.match((await client.send(new DescribeThingCommand({ thingName: first.toUpperCase() }))).attributes, { owner: 'somebody', managedBy: 'lpwan-bridge' });
});
