import t, { type Test } from 'tap';
import type { ConnectionDownlinks } from '../../src/downlink/complete-downlink.js';
import { createDownlinkIntake, type DownlinkIntake } from '../../src/downlink/downlink-intake.js';
import type { PostRequest } from '../../src/downlink/post-downlink.js';
import { BridgeError } from '../../src/errors.js';
import { connectionOf, openDownlinkRoom, type DownlinkRoom } from './support/downlink-room.js';
import { createTestTarget } from './support/test-target.js';

const device = '24e124c3b1a70042';
const shared = '24e124c3b1a70043';
const nowhere = '24e124c3b1a70044';
const stranger = 'ffffffffffffffff';
const sigfox = '2c30bb';

interface Scene extends DownlinkRoom, DownlinkIntake {}

const devices = [
  { deviceId: device, networkServerId: 'factory' },
  { deviceId: shared, networkServerId: 'factory', connectionIds: ['city', 'main'] },
  { deviceId: nowhere, networkServerId: 'factory', connectionIds: ['gone'] },
  { deviceId: sigfox, networkServerId: 'sigfox' },
];

const setScene = async (t: Test, main: Partial<ConnectionDownlinks> = {}): Promise<Scene> => {
  const room = await openDownlinkRoom(t, { targets: [createTestTarget('factory'), createTestTarget('sigfox', 'sigfox')], devices, connections: [main, { id: 'city' }] });
  return { ...room, ...createDownlinkIntake({ ...room.store, ...room, statuses: room.outlet }) };
};

const post = (scene: Scene, document: unknown, changes: Partial<PostRequest> = {}) => scene.post({ deviceId: device, document, ...changes });
const errorOf = (work: Promise<unknown>): Promise<unknown> => work.then(() => 'resolved', (error: unknown) => error);
const waiting = async ({ store }: Scene, connectionId = 'main'): Promise<number> => (await store.queue.totals(connectionId)).waiting;

void t.test('each form is stored and reported as a message of AWS is, and answered with its ids', async (t) => {
  const scene = await setScene(t);
  t.match(await post(scene, { payload: '0a', fPort: 1, correlationId: 'a' }), [{ kind: 'stored', downlinkId: /^[0-9a-f]{32}$/, state: 'queued', duplicate: false, connectionId: 'main', networkServerId: 'factory', correlationId: 'a' }]);
  t.match(await post(scene, { DevEUI_downlink: { DevEUI: device.toUpperCase(), FPort: 2, payload_hex: '0b', CorrelationID: 'b' } }), [{ kind: 'stored', correlationId: 'b' }]);
  const several = await post(scene, { downlinks: [{ f_port: 3, frm_payload: 'DA==', correlation_ids: ['c'] }, { f_port: 4, frm_payload: 'DQ==' }] }, { deviceId: device.toUpperCase() });
  t.match(several, [{ kind: 'stored', correlationId: 'c' }, { kind: 'stored' }]);
  t.equal(new Set(scene.outlet.published.map(({ fields }) => fields.downlinkId)).size, 4);
  t.same(scene.outlet.published.map(({ fields, connectionId }) => [fields.state, connectionId, fields.deviceId]), Array(4).fill(['queued', 'main', device]));
  t.match(scene.lives.noted[0], { life: { connectionId: 'main', deviceId: device, correlationId: 'a', networkServerId: 'factory' }, step: { state: 'queued', attempt: 0, time: Number } });
  t.equal(await waiting(scene), 4);
  t.equal(await scene.metric('downlinks_received_total', { connection: 'main', result: 'stored' }), 4);
});

void t.test('the same again is a duplicate, also where it came from AWS first', async (t) => {
  const scene = await setScene(t);
  const document = { payload: '0a', fPort: 1, correlationId: 'a' };
  await scene.receive({ connectionId: 'main', topic: `tpx/things/${device}/downlink`, payload: Buffer.from(JSON.stringify(document)) });
  const [first] = scene.outlet.published;
  t.match(await post(scene, document), [{ kind: 'stored', duplicate: true, downlinkId: first?.fields.downlinkId }]);
  t.match(await post(scene, { payload: '0a', fPort: 1 }), [{ duplicate: false }]);
  t.match(await post(scene, { payload: '0a', fPort: 1 }), [{ duplicate: true }]);
  t.equal(await waiting(scene), 2);
  t.equal(await scene.metric('downlinks_total', { connection: 'main', state: 'queued' }), 2);
  t.equal(await scene.metric('downlinks_received_total', { connection: 'main', result: 'duplicate' }), 2);
});

void t.test('the connection is the one that is named, or the only one that the device is routed to', async (t) => {
  const scene = await setScene(t);
  const document = { payload: '0a', fPort: 1 };
  t.match(await post(scene, document, { deviceId: shared, connectionId: 'city' }), [{ connectionId: 'city' }]);
  t.match(await errorOf(post(scene, document, { deviceId: shared })), { reason: 'invalid_field', field: 'connectionId', detail: /several: city, main/ });
  scene.connections.delete('city');
  t.match(await post(scene, document, { deviceId: shared }), [{ connectionId: 'main' }], 'the other one was removed meanwhile');
  scene.connections.set('late', connectionOf({ id: 'late', defaultNetworkServer: 'factory' }));
  t.match(await post(scene, document, { deviceId: stranger, connectionId: 'late' }), [{ connectionId: 'late', networkServerId: 'factory' }], 'one that was added meanwhile');
});

const one = { payload: '0a', fPort: 1 };
const refused: readonly { readonly name: string; readonly request: Partial<PostRequest>; readonly error: object; readonly counted?: true }[] = [
  { name: 'no device', request: { deviceId: '' }, error: { reason: 'invalid_field', field: 'deviceId' } },
  { name: 'a connection that is not there', request: { connectionId: 'nobody' }, error: { reason: 'invalid_field', field: 'connectionId' } },
  { name: 'an empty connection', request: { connectionId: '' }, error: { reason: 'invalid_field', field: 'connectionId' } },
  { name: 'a device that was never heard, without a connection', request: { deviceId: stranger }, error: { reason: 'invalid_field', field: 'connectionId', detail: /never heard/ } },
  { name: 'a device that was never heard', request: { deviceId: stranger, connectionId: 'main' }, error: { reason: 'unknown_device' }, counted: true },
  { name: 'a device that goes to no connection any more', request: { deviceId: nowhere }, error: { reason: 'device_not_routed' } },
  { name: 'a device of another connection', request: { connectionId: 'city' }, error: { reason: 'device_not_routed' } },
  { name: 'nothing', request: { document: undefined }, error: { reason: 'invalid_field', field: 'body' }, counted: true },
  { name: 'a list', request: { document: [one] }, error: { reason: 'invalid_field', field: 'body' }, counted: true },
  { name: 'a text', request: { document: '0a' }, error: { reason: 'invalid_field', field: 'body' }, counted: true },
  { name: 'an empty object', request: { document: {} }, error: { reason: 'invalid_field', field: 'payload' }, counted: true },
  { name: 'a misspelt key', request: { document: { ...one, fport: 1 } }, error: { reason: 'invalid_field', field: 'fport' }, counted: true },
  { name: 'no FPort', request: { document: { payload: '0a' } }, error: { reason: 'invalid_field', field: 'fPort' }, counted: true },
  { name: 'another device in the document', request: { document: { ...one, devEui: shared } }, error: { reason: 'invalid_field', field: 'devEui', detail: /another device/ }, counted: true },
  { name: 'an empty list of The Things Stack', request: { document: { downlinks: [] } }, error: { reason: 'invalid_field', field: 'downlinks' }, counted: true },
  { name: 'seven bytes for Sigfox', request: { deviceId: sigfox, document: { payload: '00'.repeat(7) } }, error: { reason: 'invalid_field', field: 'payload' }, counted: true },
  { name: 'too much', request: { document: { ...one, payload: 'x'.repeat(140_000) } }, error: { reason: 'malformed_body' }, counted: true },
];

void t.test('what cannot be taken is told to the caller alone', async (t) => {
  const scene = await setScene(t);
  for (const { name, request, error } of refused) {
    const thrown = await errorOf(post(scene, one, request));
    t.ok(thrown instanceof BridgeError, name);
    t.match(thrown, error, name);
  }
  t.same(scene.outlet.published, []);
  t.same(scene.lives.noted, []);
  t.equal(await waiting(scene), 0);
  const count = refused.filter(({ counted, request }) => counted === true && request.connectionId !== 'city').length;
  t.equal(await scene.metric('downlinks_received_total', { connection: 'main', result: 'rejected' }), count);
  t.equal(await scene.metric('downlinks_received_total', { connection: 'city', result: 'rejected' }), 1);
});

void t.test('in The Things Stack form a wrong downlink does not keep the others back', async (t) => {
  const scene = await setScene(t);
  const posted = await post(scene, { downlinks: [{ f_port: 1, frm_payload: 'AA==', correlation_ids: ['a'] }, { f_port: 0, frm_payload: 'AA==', correlation_ids: ['b'] }, { f_port: 2, frm_payload: 'AA==' }] });
  t.match(posted, [{ kind: 'stored', correlationId: 'a' }, { kind: 'rejected', correlationId: 'b', error: { reason: 'invalid_field', field: 'downlinks[1].f_port' } }, { kind: 'stored' }]);
  t.equal(await waiting(scene), 2);
  const bad = await post(scene, { downlinks: [{ f_port: 0, frm_payload: 'AA==' }, { f_port: 1 }] });
  t.match(bad, [{ error: { field: 'downlinks[0].f_port' } }, { error: { field: 'downlinks[1].frm_payload' } }], 'each is wrong in its own way');
  t.match(await errorOf(post(scene, { downlinks: [{ f_port: 1, frm_payload: 'AA==' }, { f_port: 2, frm_payload: 'AA==' }] }, { deviceId: stranger, connectionId: 'main' })), { reason: 'unknown_device' }, 'the same for all');
});

void t.test('a full queue refuses, a failing store and a full outbox are told, and the same again does no harm', async (t) => {
  const scene = await setScene(t, { maxWaiting: 1 });
  await post(scene, { ...one, correlationId: 'a' });
  t.match(await errorOf(post(scene, { ...one, correlationId: 'b' })), { reason: 'downlink_queue_full' });
  t.equal(await scene.metric('downlinks_rejected_total', { connection: 'main', reason: 'downlink_queue_full' }), 1);
  scene.outlet.full = true;
  t.match(await errorOf(post(scene, { ...one, correlationId: 'c' }, { deviceId: shared, connectionId: 'city' })), { reason: 'outbox_full' });
  scene.outlet.full = false;
  t.match(await post(scene, { ...one, correlationId: 'c' }, { deviceId: shared, connectionId: 'city' }), [{ duplicate: true }]);
  t.same(scene.outlet.states('c'), ['queued']);
});
