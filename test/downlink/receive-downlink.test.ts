import t, { type Test } from 'tap';
import type { ConnectionDownlinks } from '../../src/downlink/complete-downlink.js';
import type { AddOptions, DownlinkQueue, QueuedDownlink, ReceiveDownlink, Verdict } from '../../src/downlink/ports.js';
import { createDownlinkIntake } from '../../src/downlink/downlink-intake.js';
import { BridgeError } from '../../src/errors.js';
import type { Downlink } from '../../src/messages/downlink.js';
import { openDownlinkRoom, type DownlinkRoom } from './support/downlink-room.js';
import { until } from '../support/until.js';
import { createTestTarget } from './support/test-target.js';

const lorawan = '24e124c3b1a70042';
const other = '24e124c3b1a70043';
const sigfox = '2c30bb';

interface Scene extends DownlinkRoom {
  readonly receive: ReceiveDownlink;
  send(deviceId: string, body: unknown, connectionId?: string): Promise<void>;
  /** What waits, handed out in its order. */
  drain(count: number): Promise<readonly Downlink[]>;
}

interface SceneOptions {
  readonly connections?: readonly Partial<ConnectionDownlinks>[];
  readonly now?: () => number;
  readonly queue?: (queue: DownlinkQueue) => Pick<DownlinkQueue, 'add' | 'forget'>;
}

const devices = [
  { deviceId: lorawan, networkServerId: 'factory' },
  { deviceId: other, networkServerId: 'factory', connectionIds: ['city'] },
  { deviceId: sigfox, networkServerId: 'sigfox' },
  { deviceId: 'aa', networkServerId: 'gone' },
];

const setScene = async (t: Test, { connections, now = Date.now, queue = (one) => one }: SceneOptions = {}): Promise<Scene> => {
  const targets = [createTestTarget('factory'), createTestTarget('sigfox', 'sigfox'), createTestTarget('park', 'thingpark')];
  const room = await openDownlinkRoom(t, { targets, devices, ...(connections === undefined ? {} : { connections }) });
  const { store, outlet } = room;
  const { receive } = createDownlinkIntake({ ...room, queue: queue(store.queue), submitted: store.submitted, devices: store.devices, statuses: outlet, now });
  return {
    ...room,
    receive,
    send: (deviceId, body, connectionId = 'main') =>
      receive({ connectionId, topic: `tpx/things/${deviceId.toUpperCase()}/downlink`, payload: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) }),
    async drain(count) {
      const handed: Downlink[] = [];
      const submit = async ({ downlink }: QueuedDownlink): Promise<Verdict> => {
        handed.push(downlink);
        return { kind: 'done' };
      };
      store.queue.start({ holdMs: () => 0, submit });
      await until(`${count} are handed out`, () => handed.length >= count);
      return handed;
    },
  };
};

const reasonOf = (work: Promise<void>): Promise<string> => work.then(() => 'resolved', (error: unknown) => (error instanceof BridgeError ? error.reason : String(error)));

void t.test('each form is stored for its device, complete, and reported as queued', async (t) => {
  const now = Date.now();
  const scene = await setScene(t, { now: () => now, connections: [{ defaultFPort: 9, validityMs: 60_000 }] });
  await scene.send(lorawan, { payload: '0A', correlationId: 'native', confirmed: true, flush: false });
  await scene.send(lorawan, { DevEUI_downlink: { DevEUI: lorawan, FPort: '5', payload_hex: '0b', CorrelationID: 'park', ValidityTime: 30, FCntDn: 4 } });
  await scene.send(lorawan, { downlinks: [{ f_port: 6, frm_payload: 'DA==', correlation_ids: ['stack'], priority: 'HIGH' }, { decoded_payload: { on: true } }] });
  t.same(scene.outlet.published.map(({ fields, connectionId, networkServer }) => [fields.state, fields.correlationId, fields.attempt, fields.fPort, connectionId, networkServer?.id]), [
    ['queued', 'native', 0, 9, 'main', 'factory'], ['queued', 'park', 0, 5, 'main', 'factory'], ['queued', 'stack', 0, 6, 'main', 'factory'], ['queued', undefined, 0, 9, 'main', 'factory'],
  ]);
  t.match(scene.outlet.published[0]?.fields, { type: 'downlink-status', deviceId: lorawan, devEui: lorawan, time: new Date(now).toISOString(), downlinkId: /^[0-9a-f]{32}$/ });
  const common = { connectionId: 'main', deviceId: lorawan, networkServer: { id: 'factory', kind: 'chirpstack' }, confirmed: false, flush: false, receivedAt: now, validUntil: now + 60_000 };
  t.match(await scene.drain(4), [
    { ...common, correlationId: 'native', fPort: 9, payload: '0a', confirmed: true },
    { ...common, correlationId: 'park', fPort: 5, payload: '0b', validUntil: now + 30_000, options: { FCntDn: 4 } },
    { ...common, correlationId: 'stack', fPort: 6, payload: '0c', options: { priority: 'HIGH', correlation_ids: ['stack'] } },
    { ...common, fPort: 9, object: { on: true } },
  ]);
  t.equal(await scene.metric('downlinks_received_total', { connection: 'main', result: 'stored' }), 4);
  t.equal(await scene.metric('downlinks_total', { connection: 'main', state: 'queued' }), 4);
});

interface Row {
  readonly name: string;
  readonly deviceId?: string;
  readonly body: unknown;
  readonly reason: string;
  readonly text: RegExp;
  readonly networkServer?: string;
}

const rejected: readonly Row[] = [
  { name: 'broken JSON', body: '{', reason: 'malformed_body', text: /not valid JSON/, networkServer: 'factory' },
  { name: 'no FPort in native', body: { payload: '00' }, reason: 'invalid_field', text: /^fPort: is required/, networkServer: 'factory' },
  { name: 'no FPort in ThingPark', body: { DevEUI_downlink: { payload_hex: '00' } }, reason: 'invalid_field', text: /^DevEUI_downlink\.FPort: is required/, networkServer: 'factory' },
  { name: 'no FPort in The Things Stack', body: { downlinks: [{ frm_payload: '' }] }, reason: 'invalid_field', text: /^downlinks\[0\]\.f_port: is required/, networkServer: 'factory' },
  { name: 'FPort 224', body: { payload: '00', fPort: 224 }, reason: 'invalid_field', text: /^fPort: must be/, networkServer: 'factory' },
  { name: 'another device in the body', body: { payload: '00', fPort: 1, devEui: other }, reason: 'invalid_field', text: /^devEui: names another device/, networkServer: 'factory' },
  { name: 'a device that was never heard', deviceId: 'ffffffffffffffff', body: { payload: '00', fPort: 1 }, reason: 'unknown_device', text: /never heard/ },
  { name: 'a device of another connection', deviceId: other, body: { payload: '00', fPort: 1 }, reason: 'device_not_routed', text: /another connection/, networkServer: 'factory' },
  { name: 'a network server that is not there', deviceId: 'aa', body: { payload: '00', fPort: 1 }, reason: 'downlink_unsupported', text: /gone/ },
  { name: 'seven bytes for Sigfox', deviceId: sigfox, body: { payload: '00'.repeat(7) }, reason: 'invalid_field', text: /^payload: must be exactly 8 bytes/, networkServer: 'sigfox' },
];

void t.test('what cannot be taken is rejected with reason and field, and does not come again', async (t) => {
  const scene = await setScene(t);
  for (const [index, { name, deviceId = lorawan, body, reason, text, networkServer }] of rejected.entries()) {
    await scene.send(deviceId, body);
    const status = scene.outlet.published[index];
    t.match(status?.fields, { state: 'rejected', deviceId, cause: { code: reason, text } }, name);
    t.equal(status?.networkServer?.id, networkServer, name);
    t.notOk(status?.fields.downlinkId, 'it never was a downlink of the bridge');
  }
  t.equal(scene.outlet.published.length, rejected.length);
  t.equal((await scene.store.queue.totals('main')).waiting, 0);
  t.equal(await scene.metric('downlinks_received_total', { connection: 'main', result: 'rejected' }), rejected.length);
  t.equal(await scene.metric('downlinks_rejected_total', { connection: 'main', reason: 'invalid_field' }), 6);
  t.equal(await scene.metric('downlinks_total', { connection: 'main', state: 'rejected' }), rejected.length);
});

void t.test('a rejection carries the correlation id, and is said again only when it is sent again later', async (t) => {
  let now = 1_000_000_000;
  const scene = await setScene(t, { now: () => now });
  const bad = { payload: 'x', correlationId: 'mine', fPort: 1 };
  await scene.send(lorawan, bad);
  await scene.send(lorawan, bad);
  t.equal(scene.outlet.published.length, 1);
  t.equal(scene.outlet.published[0]?.fields.correlationId, 'mine');
  now += 60_000;
  await scene.send(lorawan, bad);
  t.equal(scene.outlet.published.length, 2);
});

void t.test('a topic that names no device is counted and passed over', async (t) => {
  const scene = await setScene(t);
  await scene.receive({ connectionId: 'main', topic: 'something/else', payload: Buffer.from('{}') });
  await scene.receive({ connectionId: 'main', topic: 'tpx/things/%zz/downlink', payload: Buffer.from('{}') });
  t.equal(scene.outlet.published.length, 0);
  t.equal(await scene.metric('downlinks_received_total', { connection: 'main', result: 'rejected' }), 2);
});

void t.test('a device that was never heard goes to the default network server', async (t) => {
  const scene = await setScene(t, { connections: [{ defaultNetworkServer: 'park' }] });
  await scene.send('ffffffffffffffff', { payload: '00', fPort: 1, correlationId: 'a' });
  t.match((await scene.drain(1))[0], { networkServer: { id: 'park', kind: 'thingpark' } });
  await scene.send('eeeeeeeeeeeeeeee', { payload: { on: true }, fPort: 1, correlationId: 'b' });
  t.match(scene.outlet.find('b', 'rejected'), { cause: { text: /^payload: must be bytes/ } });
  await scene.send(other, { payload: '00', fPort: 1, correlationId: 'c' });
  t.match(scene.outlet.find('c', 'rejected'), { cause: { code: 'device_not_routed' } }, 'a device of another connection stays there');
});

void t.test('a topic pattern with the device id as it is finds the device, too', async (t) => {
  const scene = await setScene(t, { connections: [{ topicPattern: 'd/{deviceId}' }] });
  await scene.receive({ connectionId: 'main', topic: `d/${lorawan.toUpperCase()}`, payload: Buffer.from('{"payload":"00","fPort":1,"correlationId":"a"}') });
  t.same(scene.outlet.states('a'), ['queued']);
});

void t.test('what comes twice is one downlink, reported once', async (t) => {
  let now = 60_000 * 1_000;
  const scene = await setScene(t, { now: () => now });
  const withId = { payload: '01', fPort: 1, correlationId: 'a' };
  const without = { payload: '02', fPort: 1 };
  for (const body of [withId, without, withId, { ...withId, payload: '03' }, without]) await scene.send(lorawan, body);
  t.equal(scene.outlet.published.length, 2);
  now += 59_999;
  await scene.send(lorawan, without);
  t.equal(scene.outlet.published.length, 2, 'still the same window');
  t.equal(await scene.metric('downlinks_received_total', { connection: 'main', result: 'duplicate' }), 4);
  t.equal(await scene.metric('downlinks_total', { connection: 'main', state: 'queued' }), 2, 'a state is counted once');
  t.equal((await scene.store.queue.totals('main')).waiting, 2);
});

void t.test('a redelivery over the edge of a window is still the same; the same command in a later window is another', async (t) => {
  let now = 60_000 * 1_000 - 1;
  const scene = await setScene(t, { now: () => now });
  const body = { payload: '02', fPort: 1 };
  await scene.send(lorawan, body);
  now += 2;
  await scene.send(lorawan, body);
  t.equal(scene.outlet.published.length, 1);
  now += 120_000;
  await scene.send(lorawan, body);
  t.equal(scene.outlet.published.length, 2);
  const [first, second] = scene.outlet.published.map(({ fields }) => fields.downlinkId);
  t.not(first, second, 'two downlinks never share an id');
});

void t.test('with a window of 0 only correlation ids make it the same', async (t) => {
  const scene = await setScene(t, { connections: [{ windowMs: 0 }] });
  for (const body of [{ payload: '01', fPort: 1 }, { payload: '01', fPort: 1 }, { payload: '01', fPort: 1, correlationId: 'a' }, { payload: '01', fPort: 1, correlationId: 'a' }]) await scene.send(lorawan, body);
  t.equal((await scene.store.queue.totals('main')).waiting, 3);
});

void t.test('equal downlinks of one message are several', async (t) => {
  const scene = await setScene(t);
  const body = { downlinks: [{ f_port: 1, frm_payload: 'AA==' }, { f_port: 1, frm_payload: 'AA==' }, { f_port: 1, frm_payload: 'AA==', correlation_ids: ['x'] }, { f_port: 2, frm_payload: 'AQ==', correlation_ids: ['x'] }] };
  await scene.send(lorawan, body);
  await scene.send(lorawan, body);
  t.equal((await scene.store.queue.totals('main')).waiting, 4);
  t.equal(new Set(scene.outlet.published.map(({ fields }) => fields.downlinkId)).size, 4);
});

void t.test('the same correlation id of two devices, and of two connections, is not the same', async (t) => {
  const scene = await setScene(t, { connections: [{}, { id: 'city', topicPattern: 'tpx/things/{DevEUI}/downlink' }] });
  scene.store.devices.heard({ deviceId: lorawan, networkServerId: 'factory', connectionIds: ['city', 'main'], address: {} });
  const body = { payload: '01', fPort: 1, correlationId: 'x' };
  await scene.send(lorawan, body);
  await scene.send(lorawan, body, 'city');
  await scene.send(other, body, 'city');
  t.equal(new Set(scene.outlet.published.map(({ fields }) => fields.downlinkId)).size, 3);
  t.same(scene.outlet.states('x'), ['queued', 'queued', 'queued']);
});

void t.test('messages of one device keep their order, however they overlap', async (t) => {
  const scene = await setScene(t);
  const names = Array.from({ length: 30 }, (_, index) => `n${index}`);
  await Promise.all(names.map((correlationId) => scene.send(lorawan, { payload: '01', fPort: 1, correlationId })));
  t.same((await scene.drain(30)).map(({ correlationId }) => correlationId), names);
});

void t.test('flush replaces what waits, and says so once', async (t) => {
  const scene = await setScene(t);
  for (const correlationId of ['a', 'b']) await scene.send(lorawan, { payload: '01', fPort: 1, correlationId });
  await scene.send(lorawan, { payload: '01', fPort: 1, correlationId: 'c', flush: true });
  t.same(scene.outlet.states('a'), ['queued', 'failed']);
  t.match(scene.outlet.find('b', 'failed'), { cause: { code: 'downlink_replaced' } });
  t.same(await scene.store.queue.notices(0), [], 'what was reported is forgotten');
  t.same((await scene.drain(1)).map(({ correlationId }) => correlationId), ['c']);
});

void t.test('a newer one takes the place of the older in a mailbox', async (t) => {
  const scene = await setScene(t);
  await scene.send(sigfox, { payload: '0102030405060708', correlationId: 'a', fPort: 3 });
  await scene.send(sigfox, { payload: '0102030405060709', correlationId: 'b' });
  t.same(scene.outlet.states('a'), ['queued', 'failed']);
  t.notOk(scene.outlet.find('a', 'queued')?.fPort, 'Sigfox has no FPort');
  const { downlink } = await scene.store.queue.collect({ deviceId: sigfox, requestId: 'r', again: false, rememberMs: 1_000 });
  t.match(downlink, { correlationId: 'b', payload: '0102030405060709', flush: true });
});

void t.test('a full queue rejects and takes again', async (t) => {
  const scene = await setScene(t, { connections: [{ maxWaiting: 1 }] });
  await scene.send(lorawan, { payload: '01', fPort: 1, correlationId: 'a' });
  await scene.send(lorawan, { payload: '01', fPort: 1, correlationId: 'b' });
  await scene.send(lorawan, { payload: '01', fPort: 1 });
  t.same(scene.outlet.states('b'), ['rejected']);
  t.match(scene.outlet.find('b', 'rejected'), { cause: { code: 'downlink_queue_full' }, fPort: 1 });
  await scene.send(lorawan, { payload: '01', fPort: 1, correlationId: 'a' });
  t.same(scene.outlet.states('a'), ['queued'], 'what is there is a duplicate, not too much');
  await scene.drain(1);
  await until('there is room', async () => (await scene.store.queue.totals('main')).waiting === 0);
  await scene.send(lorawan, { payload: '01', fPort: 1, correlationId: 'b' });
  t.same(scene.outlet.states('b'), ['rejected', 'queued']);
});

void t.test('AWS is not told while the store or the outbox fails, and the redelivery does no harm', async (t) => {
  let failure: string | undefined = 'store_unavailable';
  const breaking = (queue: DownlinkQueue): Pick<DownlinkQueue, 'add' | 'forget'> => ({
    add: (downlink: Downlink, options: AddOptions) => (failure === undefined ? queue.add(downlink, options) : Promise.reject(new BridgeError('store_unavailable'))),
    forget: (notices) => queue.forget(notices),
  });
  const scene = await setScene(t, { queue: breaking });
  const body = { payload: '01', fPort: 1, correlationId: 'a' };
  t.equal(await reasonOf(scene.send(lorawan, body)), 'store_unavailable');
  t.equal(scene.outlet.published.length, 0);
  failure = undefined;
  scene.outlet.full = true;
  t.equal(await reasonOf(scene.send(lorawan, body)), 'outbox_full', 'stored, but the state is not');
  t.equal(await reasonOf(scene.send(lorawan, { payload: 'x' })), 'outbox_full', 'nor a rejection');
  scene.outlet.full = false;
  await scene.send(lorawan, body);
  t.same(scene.outlet.states('a'), ['queued']);
  t.equal((await scene.store.queue.totals('main')).waiting, 1);
});

void t.test('a notice that cannot be reported stays, and does not keep AWS waiting', async (t) => {
  const scene = await setScene(t);
  await scene.send(lorawan, { payload: '01', fPort: 1, correlationId: 'a' });
  let published = 0;
  const { receive: picky } = createDownlinkIntake({ ...scene, queue: scene.store.queue, submitted: scene.store.submitted, devices: scene.store.devices, statuses: { publish: (status) => ((published += 1) === 2 ? Promise.reject(new BridgeError('outbox_full')) : scene.outlet.publish(status)) } });
  await picky({ connectionId: 'main', topic: `tpx/things/${lorawan}/downlink`, payload: Buffer.from('{"payload":"01","fPort":1,"correlationId":"b","flush":true}') });
  t.same(scene.outlet.states('b'), ['queued']);
  t.match(await scene.store.queue.notices(0), [{ downlink: { correlationId: 'a' }, state: 'failed' }]);
});
