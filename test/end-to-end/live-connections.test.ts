/** Connections that are made, changed, paused and deleted on a running bridge, against the sandbox. */
import { ListThingPrincipalsCommand, ListThingsCommand } from '@aws-sdk/client-iot';
import { spawnSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t from 'tap';
import { until } from '../support/until.js';
import { accessKeyOf, deviceType, make, openConnection, postUplink, registryClient, seedConnection, setLiveScene, startLiveBridge, untilState, type LiveScene } from './support/live-scene.js';
import { expectBalance } from './support/scenarios.js';

const devEui = '0018b20000000001';
const uplinkTopic = `tpx/things/${devEui.toUpperCase()}/uplink`;

const arrived = (scene: LiveScene, what: string, topic: string, count = 1): Promise<void> =>
  scene.broker.received.until(what, (all) => all.filter((one) => one.topic === topic).length >= count, 20_000);

void t.test("ThingPark X's document, posted to a bridge without a connection, carries traffic both ways", async (t) => {
  const scene = await setLiveScene(t);
  const { bridge, broker } = scene;
  t.match(await bridge.private('/ready'), { status: 503, body: /no_connection/ });
  t.equal(await postUplink(bridge, { devEui, fCnt: 1 }), 503, 'what has nowhere to go is not accepted');

  const document = seedConnection(scene);
  const made = await make(bridge, '/connections', document);
  const id = String(made['id']);
  t.match(made, { connectorId: 'actility-aws-iot', name: 'Seed', active: true, configuration: { deviceType, privateKey: '*****', secretAccessKey: '*****' } });
  await untilState(bridge, id, 'OPENED');
  t.equal((await bridge.private('/ready')).status, 200);

  t.equal(await postUplink(bridge, { devEui, fCnt: 2, payload: '0102' }), 204);
  await arrived(scene, 'the uplink', uplinkTopic);
  t.match(JSON.parse(broker.received.all.find(({ topic }) => topic === uplinkTopic)?.payload ?? '{}'), { DevEUI_uplink: { payload_hex: '0102', FCntUp: 2 } }, 'in the form of the network server');

  await t.test('its device is a thing of the right type, attached to the certificate', async (t) => {
    const client = registryClient(t, scene);
    // The bridge is asked until it is so: the registry takes ten of these calls a second.
    await until('the state of the thing', async () => JSON.stringify((await bridge.api('GET', `/devices/${devEui}`)).json['things']).includes('ready'));
    const { things } = await client.send(new ListThingsCommand({}));
    t.match(things, [{ thingName: devEui.toUpperCase(), thingTypeName: deviceType, attributes: { managedBy: 'lpwan-bridge' } }]);
    t.ok((await client.send(new ListThingPrincipalsCommand({ thingName: devEui.toUpperCase() }))).principals?.includes(String(broker.address['certificateArn'])), 'its principal');
    t.match((await bridge.api('GET', `/devices/${devEui}`)).json, { id: devEui, networkServer: 'thingpark', connections: [id], fCnt: 2 });
  });

  await t.test('the AWS command line sees the same', async (t) => {
    const aws = spawnSync('aws', ['iot', 'list-things', '--endpoint-url', scene.registry, '--region', 'eu-west-1', '--output', 'json'], {
      encoding: 'utf8',
      env: { ...process.env, AWS_ACCESS_KEY_ID: accessKeyOf(broker).id, AWS_SECRET_ACCESS_KEY: accessKeyOf(broker).secret, AWS_EC2_METADATA_DISABLED: 'true' },
    });
    if (aws.error !== undefined) {
      t.comment('the AWS command line is not installed');
      return;
    }
    t.match(JSON.parse(aws.stdout), { things: [{ thingName: devEui.toUpperCase(), thingTypeName: deviceType }] });
  });

  await t.test('downlinks come from AWS and from the API', async (t) => {
    await broker.publish([{ topic: `tpx/things/${devEui.toUpperCase()}/downlink`, payload: JSON.stringify({ DevEUI_downlink: { DevEUI: devEui, FPort: '1', payload_hex: '00', CorrelationID: 'from-aws' } }) }]);
    await broker.received.until('its status', (all) => all.some(({ payload }) => payload.includes('from-aws')), 20_000);
    const posted = await bridge.api('POST', '/downlinks', { deviceId: devEui, fPort: 1, payload: '0a', correlationId: 'from-api' });
    t.equal(posted.status, 422, 'this network server has no downlink API, and the answer says so');
    t.match(posted.json, { reason: 'downlink_unsupported' });
  });
  await expectBalance(t, bridge);
});

void t.test('changes take effect while messages come, and survive a restart', async (t) => {
  const scene = await setLiveScene(t);
  const { bridge, broker, home } = scene;
  const id = await openConnection(scene, {}, { id: 'city' });
  const path = `/connections/${id}`;

  t.equal(await postUplink(bridge, { devEui, fCnt: 1 }), 204);
  await arrived(scene, 'the first uplink', uplinkTopic);
  t.equal((await bridge.api('PATCH', path, { configuration: { uplinkTopicPattern: 'new/{DevEUI}/uplink' } })).status, 200);
  t.equal(await postUplink(bridge, { devEui, fCnt: 2 }), 204);
  await arrived(scene, 'the uplink on the new topic', `new/${devEui.toUpperCase()}/uplink`);

  t.equal((await bridge.api('PATCH', path, { active: false })).status, 200);
  await untilState(bridge, id, 'DEACTIVATED');
  t.equal(await postUplink(bridge, { devEui, fCnt: 3 }), 204, 'a paused connection goes on accepting');
  t.match((await bridge.api('GET', path)).json, { state: 'DEACTIVATED', pending: { messages: 1 }, sessions: 0 });
  t.match(await bridge.api('DELETE', path), { status: 409, json: { reason: 'backlog_present' } });

  t.equal(await bridge.stop(), 0);
  const again = await startLiveBridge(t, home);
  t.match((await again.api('GET', path)).json, { id, state: 'DEACTIVATED', configuration: { privateKey: '*****' } }, 'it is there after a restart');
  t.equal((await again.api('PATCH', path, { active: true })).status, 200);
  await arrived(scene, 'what waited', `new/${devEui.toUpperCase()}/uplink`, 2);
  await untilState(again, id, 'OPENED');

  t.equal((await again.api('PATCH', path, { active: false })).status, 200);
  t.equal(await postUplink(again, { devEui, fCnt: 4 }), 204);
  t.equal((await again.api('DELETE', `${path}?backlog=park`)).status, 204);
  await until('the parked message', async () => JSON.stringify((await again.api('GET', '/parked-messages')).json).includes('connection_deleted'));
  t.equal((await again.api('GET', path)).status, 404);
  t.equal((await again.private('/ready')).status, 503);

  await make(again, '/connections', seedConnection(scene, {}, { id: 'city' }));
  await untilState(again, 'city', 'OPENED');
  const before = broker.received.all.length;
  t.match(await again.api('POST', '/parked-messages/replay', { filter: { connection: 'city' } }), { status: 200, json: { replayed: 1 } });
  await broker.received.until('the replayed message', (all) => all.length > before, 20_000);
  await until('it to be settled', async () => (await again.metric('lpwan_bridge_outbox_pending_messages{connection="city"}')) === 0);
  t.equal(await again.metric('lpwan_bridge_outbox_restored_total{connection="city"}'), 0, 'the connection that was made again has books of its own');
  await expectBalance(t, again);
});

void t.test('a connection that is deleted and made again at once has metrics', async (t) => {
  const scene = await setLiveScene(t);
  const { bridge } = scene;
  await openConnection(scene, {}, { id: 'city' });
  for (let round = 0; round < 20; round += 1) {
    t.equal((await bridge.api('DELETE', '/connections/city')).status, 204);
    await make(bridge, '/connections', seedConnection(scene, {}, { id: 'city' }));
  }
  await untilState(bridge, 'city', 'OPENED');
  t.equal(await postUplink(bridge, { devEui, fCnt: 1 }), 204);
  await arrived(scene, 'an uplink', uplinkTopic);
  await until('it to be settled', async () => (await bridge.metric('lpwan_bridge_outbox_pending_messages{connection="city"}')) === 0);
});

void t.test('a replaced certificate takes over, and one that AWS refuses does not stop the traffic', async (t) => {
  const scene = await setLiveScene(t);
  const { bridge, broker } = scene;
  const id = await openConnection(scene);
  t.equal(await postUplink(bridge, { devEui, fCnt: 1 }), 204);
  await arrived(scene, 'the first uplink', uplinkTopic);
  const days = await bridge.metric(`lpwan_bridge_certificate_valid_days{connection="${id}"}`);
  t.ok(days > 0, 'the days to the end of the certificate are a metric');
  const second = JSON.parse(JSON.stringify(seedConnection(scene))) as { configuration: { certificate: string; privateKey: string } };
  second.configuration.privateKey = second.configuration.privateKey.replace('A', 'B');
  t.match(await bridge.api('PATCH', `/connections/${id}`, { configuration: { privateKey: second.configuration.privateKey } }), { status: 400, json: { reason: 'invalid_resource' } }, 'a wrong pair is refused');
  await broker.control({ do: 'certificate', status: 'INACTIVE' });
  await until('the refusal', async () => (await bridge.api('GET', `/connections/${id}`)).json['state'] === 'AUTHENTICATION_FAILED');
  await until('its event', async () => (await bridge.api('GET', `/connections/${id}/events`)).body.includes('AUTHENTICATION_FAILED'));
  await broker.control({ do: 'certificate', status: 'ACTIVE' });
  await untilState(bridge, id, 'OPENED');
  t.equal(await postUplink(bridge, { devEui, fCnt: 2 }), 204);
  await arrived(scene, 'the second uplink', uplinkTopic, 2);
});

void t.test('flows: two customers, and one uplink to both', async (t) => {
  const scene = await setLiveScene(t);
  const { bridge } = scene;
  await openConnection(scene, { uplinkTopicPattern: 'a/{DevEUI}/uplink', clientIdPrefix: 'one' }, { id: 'a' });
  const second = seedConnection(scene, { uplinkTopicPattern: 'b/{DevEUI}/uplink', clientIdPrefix: 'two' }, { id: 'b' });
  t.match(await bridge.api('POST', '/connections', second), { status: 409, json: { reason: 'flow_required' } });
  await make(bridge, '/flows', { id: 'red', matchers: [{ tags: ['red'] }], connections: ['a'] });
  await make(bridge, '/connections', second);
  await untilState(bridge, 'b', 'OPENED');
  await make(bridge, '/flows', { id: 'all', matchers: [{ tags: ['blue'] }, { tags: ['both'] }], connections: ['b'] });
  await make(bridge, '/flows', { id: 'both', matchers: [{ tags: ['both'] }], connections: ['a', 'b'] });

  t.equal(await postUplink(bridge, { devEui, fCnt: 1, tags: ['red'] }), 204);
  t.equal(await postUplink(bridge, { devEui, fCnt: 2, tags: ['both'] }), 204);
  t.equal(await postUplink(bridge, { devEui, fCnt: 3, tags: ['blue'] }), 204);
  t.equal(await postUplink(bridge, { devEui, fCnt: 4, tags: ['green'] }), 204);
  await arrived(scene, 'two at the first', `a/${devEui.toUpperCase()}/uplink`, 2);
  await arrived(scene, 'two at the second', `b/${devEui.toUpperCase()}/uplink`, 2);
  const payloads = (topic: string): unknown[] => scene.broker.received.all.filter((one) => one.topic === topic).map(({ payload }) => (JSON.parse(payload) as { DevEUI_uplink: { FCntUp: number } }).DevEUI_uplink.FCntUp);
  t.strictSame(payloads(`a/${devEui.toUpperCase()}/uplink`), [1, 2]);
  t.strictSame(payloads(`b/${devEui.toUpperCase()}/uplink`), [2, 3]);
  t.equal(await bridge.metric('lpwan_bridge_messages_filtered_total{network_server="thingpark",reason="no_flow"}'), 1);
  t.match(await bridge.api('DELETE', '/connections/b'), { status: 409, json: { reason: 'resource_in_use', detail: /all.*both|both.*all/s } });
  await until('everything delivered', async () => (await bridge.metric('lpwan_bridge_outbox_delivered_total{connection="b"}')) === 2);
  await expectBalance(t, bridge);
});

void t.test('messages of a connection that the file no longer declares wait, and health says so', async (t) => {
  const scene = await setLiveScene(t);
  const { bridge, home } = scene;
  await openConnection(scene, {}, { id: 'main', active: false }, 'DEACTIVATED');
  t.equal(await postUplink(bridge, { devEui, fCnt: 1 }), 204);
  t.equal(await bridge.stop(), 0);
  await rm(join(dirname(home.file), 'data', 'resources'), { recursive: true });
  const again = await startLiveBridge(t, home);
  t.match((await again.private('/health')).body, /outbox of connection main.*1 messages wait for a connection that is not configured/);
  await make(again, '/connections', seedConnection(scene, {}, { id: 'main' }));
  await arrived(scene, 'the uplink, once the connection is there again', uplinkTopic);
  t.notMatch((await again.private('/health')).body, /outbox of connection/);
});
