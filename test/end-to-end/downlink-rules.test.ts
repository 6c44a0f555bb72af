/** What may be commanded, what is refused with the name of the field, and what takes whose place; on both queues. All tests of a queue share a bridge, each with devices of its own. */
import type { Test } from 'tap';
import type { TestBridge } from './support/bridge.js';
import { expectNoSecrets, expectNoViolations, hear, onBothQueues, setDownlinkScene, startBridge, type DownlinkScene, type QueueKind } from './support/downlink-scene.js';
import { correlationIdOf, deviceOf, downlinkMessage, downlinkTopic, judgeDownlinks, newCorrelationId, numberedDownlinks, sendDownlink } from './support/downlinks.js';
import { report, reportsOf, uplinkWithAddress } from './support/reports.js';
import { postData, sigfoxMessage } from './support/sigfox-cloud.js';

const servers = { chirpstack: 'chirpstack', thingpark: 'thingpark', steady: 'chirpstack', stack: 'the-things-stack' } as const;
const downlink = { steady: { backoff: { min: '200ms', max: '200ms' } }, stack: { allowedHosts: ['127.0.0.1'] } };

const device = deviceOf(1, 'de');
const thingparkDevice = deviceOf(2, 'de');
const stranger = deviceOf(3, 'de');
const noApi = deviceOf(4, 'de');
const sigfoxDevice = '2c30bb';

interface Row {
  readonly name: string;
  readonly deviceId?: string;
  /** An object gets a correlation id where its form has a place for it; a text is sent as it is. */
  readonly body: string | ((correlationId: string) => object);
  /** What the cause must name: the field, or the reason where it is no field's fault. */
  readonly says: RegExp;
}

const native = (body: object) => (correlationId: string): object => ({ correlationId, ...body });
const thingparkForm = (body: object) => (correlationId: string): object => ({ DevEUI_downlink: { CorrelationID: correlationId, ...body } });
const stackForm = (body: object) => (correlationId: string): object => ({ downlinks: [{ correlation_ids: [correlationId], ...body }] });

const rows: readonly Row[] = [
  { name: 'not JSON', body: '{"fPort":', says: /malformed_body|JSON/ },
  { name: 'no object', body: '[1,2]', says: /malformed_body|invalid_field|object/ },
  { name: 'nothing at all', body: '', says: /malformed_body|JSON|empty/ },
  { name: 'no FPort and no default', body: native({ payload: '0a' }), says: /fPort/ },
  { name: 'FPort 0', body: native({ fPort: 0, payload: '0a' }), says: /fPort/ },
  { name: 'FPort 224', body: native({ fPort: 224, payload: '0a' }), says: /fPort/ },
  { name: 'FPort 1.5', body: native({ fPort: 1.5, payload: '0a' }), says: /fPort/ },
  { name: 'no payload', body: native({ fPort: 1 }), says: /payload/ },
  { name: 'a number as payload', body: native({ fPort: 1, payload: 17 }), says: /payload/ },
  { name: 'neither hex nor base64', body: native({ fPort: 1, payload: 'zz!!' }), says: /payload/ },
  { name: 'too long', body: native({ fPort: 1, payload: '00'.repeat(256) }), says: /payload/ },
  { name: 'confirmed is a text', body: native({ fPort: 1, payload: '0a', confirmed: 'perhaps' }), says: /confirmed/ },
  { name: 'a wrong time', body: native({ fPort: 1, payload: '0a', validUntil: 'tomorrow' }), says: /validUntil/ },
  { name: 'ThingPark: another DevEUI', body: thingparkForm({ DevEUI: deviceOf(9, 'de').toUpperCase(), FPort: 1, payload_hex: '0a' }), says: /DevEUI/ },
  { name: 'ThingPark: FPort 300', body: thingparkForm({ DevEUI: device.toUpperCase(), FPort: 300, payload_hex: '0a' }), says: /FPort/ },
  { name: 'ThingPark: payload_hex is no hex', body: thingparkForm({ DevEUI: device.toUpperCase(), FPort: 1, payload_hex: '0g' }), says: /payload_hex/ },
  { name: 'ThingPark: payload and payload_hex', body: thingparkForm({ DevEUI: device.toUpperCase(), FPort: 1, payload_hex: '0a', payload: { on: true } }), says: /payload/ },
  { name: 'The Things Stack: f_port 0', body: stackForm({ f_port: 0, frm_payload: 'Cg==' }), says: /f_port/ },
  { name: 'The Things Stack: frm_payload is no base64', body: stackForm({ f_port: 1, frm_payload: '*' }), says: /frm_payload/ },
  { name: 'an object for a network server that encodes none', deviceId: thingparkDevice, body: native({ fPort: 1, payload: { on: true } }), says: /payload|downlink_unsupported/ },
  { name: 'a device that was never heard', deviceId: stranger, body: native({ fPort: 1, payload: '0a' }), says: /unknown_device/ },
  { name: 'a network server without a downlink API', deviceId: noApi, body: native({ fPort: 1, payload: '0a' }), says: /downlink_unsupported/ },
  { name: 'Sigfox: 7 bytes', deviceId: sigfoxDevice, body: native({ payload: '01020304050607' }), says: /payload/ },
  { name: 'Sigfox: 9 bytes', deviceId: sigfoxDevice, body: native({ payload: '010203040506070809' }), says: /payload/ },
];

interface Stage {
  readonly scene: DownlinkScene;
  readonly bridge: TestBridge;
}

/** What a test that began before the restart expects of the bridge after it. */
type AfterRestart = (t: Test, bridge: TestBridge) => Promise<void>;

const rejectsBadOnes = async (t: Test, { scene, bridge }: Stage): Promise<void> => {
  await hear(bridge, scene.server('chirpstack'), device);
  await hear(bridge, scene.server('thingpark'), thingparkDevice);
  const { body } = reportsOf.chirpstack.uplink(noApi, 1);
  t.equal((await bridge.call('/in/factory?event=up', { method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': 'test-key' }, body: JSON.stringify(body) })).status, 204);
  t.equal((await postData(bridge, sigfoxMessage(sigfoxDevice.toUpperCase()))).status, 204);
  for (const { name, deviceId = device, body: given, says } of rows) {
    const correlationId = newCorrelationId();
    const before = scene.statuses.all().length;
    await scene.broker.publish([{ topic: downlinkTopic(deviceId), payload: typeof given === 'string' ? given : JSON.stringify(given(correlationId)) }]);
    await scene.broker.received.until(`the status of "${name}"`, () => scene.statuses.all().length > before);
    const status = scene.statuses.all()[before];
    t.match(status, { state: 'rejected', deviceId, type: 'downlink-status', cause: {} }, name);
    t.match(JSON.stringify(status?.cause), says, `${name}: the cause names it`);
    if (typeof given !== 'string') t.equal(status?.correlationId, correlationId, `${name}: the caller's id comes back`);
  }
  const correlationId = newCorrelationId();
  await sendDownlink(scene.broker, { deviceId: device, fPort: 1, payload: '0a', correlationId });
  await scene.statuses.until(correlationId, 'submitted');
  t.equal(Object.keys(servers).reduce((sum, id) => sum + scene.server(id).taken().length, 0), 1, 'only the good one arrived anywhere');
  t.equal(await bridge.metric('lpwan_bridge_downlinks_total{connection="main",state="rejected"}'), rows.length, 'the rejected are counted');
};

/** Everything that a network server has so far from the device, by payload. */
const payloadsOf = (scene: DownlinkScene, deviceId: string, id = 'chirpstack'): readonly (string | undefined)[] => scene.server(id).taken().filter(({ devEui }) => devEui === deviceId).map(({ payload }) => payload);

const twiceIsOnce = async (t: Test, { scene, bridge }: Stage): Promise<void> => {
  const deviceId = deviceOf(5, 'de');
  await hear(bridge, scene.server('chirpstack'), deviceId);
  const withId = downlinkMessage({ deviceId, fPort: 1, payload: '01', correlationId: newCorrelationId() });
  const withoutId = downlinkMessage({ deviceId, fPort: 1, payload: '02' });
  const last = newCorrelationId();
  await scene.broker.publish([withId, withId, withoutId, withoutId, withId, downlinkMessage({ deviceId, fPort: 1, payload: '03', correlationId: last })]);
  await scene.statuses.until(last, 'submitted');
  t.strictSame(payloadsOf(scene, deviceId), ['01', '02', '03']);
  t.equal(scene.statuses.all().filter((status) => status.deviceId === deviceId && status.state === 'queued').length, 3, 'each was queued once');
};

const flushes = async (t: Test, { scene, bridge }: Stage): Promise<void> => {
  const server = scene.server('steady');
  const [deviceId, neighbour] = [deviceOf(6, 'de'), deviceOf(7, 'de')];
  for (const one of [deviceId, neighbour]) await hear(bridge, server, one);
  server.behave({ do: 'refuse', status: 503 });
  const ids = ['01', '02', '03'].map((payload) => ({ payload, correlationId: newCorrelationId() }));
  for (const one of ids) await sendDownlink(scene.broker, { deviceId, fPort: 1, ...one });
  const others = newCorrelationId();
  await sendDownlink(scene.broker, { deviceId: neighbour, fPort: 1, payload: '0b', correlationId: others });
  await scene.statuses.untilAll([...ids.map(({ correlationId }) => correlationId), others], 'queued');
  const flush = newCorrelationId();
  await sendDownlink(scene.broker, { deviceId, fPort: 1, payload: '04', correlationId: flush, flush: true });
  await scene.statuses.until(flush, 'queued');
  for (const { correlationId } of ids.slice(1)) t.match(await scene.statuses.until(correlationId, 'failed'), { cause: { code: 'downlink_replaced' } });
  server.behave({ do: 'take' });
  await scene.statuses.untilAll([flush, others], 'submitted');
  t.strictSame(payloadsOf(scene, neighbour, 'steady'), ['0b'], 'the other device is not touched');
  const here = payloadsOf(scene, deviceId, 'steady');
  t.equal(here.at(-1), '04');
  t.notOk(here.includes('02') || here.includes('03'), 'what waited behind the first never arrives');
  t.equal(server.taken().find(({ payload }) => payload === '04')?.flush, true, 'the network server is told to flush, too');
};

const honoursRetryAfter = async (t: Test, { scene, bridge }: Stage): Promise<void> => {
  const server = scene.server('steady');
  const deviceId = deviceOf(8, 'de');
  await hear(bridge, server, deviceId);
  let refusals = 1;
  server.behave(() => (refusals-- > 0 ? { do: 'refuse', status: 429, retryAfter: '2' } : { do: 'take' }));
  const correlationId = newCorrelationId();
  await sendDownlink(scene.broker, { deviceId, fPort: 1, payload: '0a', correlationId });
  t.equal((await scene.statuses.until(correlationId, 'submitted')).attempt, 2);
  const [first, second] = server.arrivals.filter(({ devEui }) => devEui === deviceId);
  t.ok((second?.at ?? 0) - (first?.at ?? 0) > 1_900, 'the second attempt came after the two seconds that were asked for');
};

const followsTheDevice = async ({ scene, bridge }: Stage): Promise<AfterRestart> => {
  const { messages, sent } = numberedDownlinks({ devices: 1, count: 2, family: 'df' });
  const moving = deviceOf(0, 'df');
  await hear(bridge, scene.server('chirpstack'), moving);
  await hear(bridge, scene.server('thingpark'), moving);
  return async (t, again) => {
    await scene.broker.publish(messages);
    await scene.statuses.until(correlationIdOf(moving, 1), 'submitted');
    t.match(judgeDownlinks(sent, scene.server('thingpark').taken()), { lost: 0, outOfOrder: 0, again: 0 });
    await report(again, 'chirpstack', reportsOf.chirpstack.uplink(moving, 900));
    const correlationId = newCorrelationId();
    await sendDownlink(scene.broker, { deviceId: moving, fPort: 1, payload: '0c', correlationId });
    await scene.statuses.until(correlationId, 'submitted');
    t.strictSame(payloadsOf(scene, moving), ['0c'], 'it moved back');
  };
};

const learnsAddresses = async (t: Test, { scene, bridge }: Stage): Promise<AfterRestart> => {
  const server = scene.server('stack');
  const deviceId = deviceOf(10, 'de');
  await report(bridge, 'stack', uplinkWithAddress(deviceId, 1, server.url));
  const ids = [newCorrelationId(), newCorrelationId()];
  await sendDownlink(scene.broker, { deviceId, fPort: 1, payload: '01', correlationId: ids[0] ?? '' });
  // While the first one waits the second would take its place.
  await scene.statuses.until(ids[0] ?? '', 'submitted');
  await sendDownlink(scene.broker, { deviceId, fPort: 1, payload: '02', correlationId: ids[1] ?? '', flush: true });
  await scene.statuses.until(ids[1] ?? '', 'submitted');
  t.match(server.taken(), [{ payload: '01', flush: false }, { payload: '02', flush: true }]);

  const elsewhere = deviceOf(11, 'de');
  await report(bridge, 'stack', uplinkWithAddress(elsewhere, 1, server.url.replace('127.0.0.1', 'localhost')));
  const refused = newCorrelationId();
  await sendDownlink(scene.broker, { deviceId: elsewhere, fPort: 1, payload: '03', correlationId: refused });
  t.match(await scene.statuses.untilAny('the end of it', ({ correlationId, state }) => correlationId === refused && state !== 'queued'), { state: /failed|rejected/, cause: { code: 'downlink_unsupported' } });
  await expectNoSecrets(t, scene, bridge);
  return async (t, again) => {
    const waiting = newCorrelationId();
    await sendDownlink(scene.broker, { deviceId, fPort: 1, payload: '04', correlationId: waiting });
    await scene.statuses.until(waiting, 'queued');
    await report(again, 'stack', uplinkWithAddress(deviceId, 2, server.url));
    await scene.statuses.until(waiting, 'submitted');
    t.equal(server.arrivals.length, 3, 'the key is kept nowhere: after a restart the next webhook brings it');
  };
};

onBothQueues('what may be commanded', async (t: Test, queue: QueueKind) => {
  const scene = await setDownlinkScene(t, { queue, servers, downlink });
  const bridge = await startBridge(t, scene.home);
  const stage = { scene, bridge };
  const stillThere: AfterRestart[] = [];
  await t.test('a bad downlink is rejected with the name of its field, and the next one passes', (t) => rejectsBadOnes(t, stage));
  await t.test('what AWS delivers twice is one downlink', (t) => twiceIsOnce(t, stage));
  await t.test('flush takes the place of what waits for the device, and of nothing else', (t) => flushes(t, stage));
  await t.test('Retry-After is honoured, and an attempt that was refused is told', (t) => honoursRetryAfter(t, stage));
  await t.test('The Things Stack: address and key come with the webhooks, and only an allowed host is believed', async (t) => void stillThere.push(await learnsAddresses(t, stage)));
  stillThere.push(await followsTheDevice(stage));
  t.equal(await bridge.stop(), 0);

  const again = await startBridge(t, scene.home);
  await t.test('a device is commanded where it was last heard, and with the key that comes anew, also after a restart', async (t) => {
    for (const expect of stillThere) await expect(t, again);
  });
  expectNoViolations(t, scene, Object.keys(servers));
  t.equal(await again.stop(), 0);
});
