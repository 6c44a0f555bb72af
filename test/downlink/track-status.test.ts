import t, { type Test } from 'tap';
import { createTracker, type TrackedMessage, type TrackerOptions } from '../../src/downlink/track-status.js';
import { createUnderWay, type UnderWay } from '../../src/downlink/under-way.js';
import { BridgeError } from '../../src/errors.js';
import type { Downlink } from '../../src/messages/downlink.js';
import type { DownlinkState, DownlinkStatusFields, NetworkServerKind } from '../../src/messages/message.js';
import { newDownlink } from '../contracts/downlink-store-samples.js';
import { openDownlinkRoom, type DownlinkRoom } from './support/downlink-room.js';
import { createTestTarget } from './support/test-target.js';

const device = '24e124c3b1a70042';

interface Reported extends TrackedMessage {
  readonly fields: DownlinkStatusFields;
  readonly idempotencyKey: string;
}

interface Scene extends DownlinkRoom {
  readonly underWay: UnderWay;
  /** Remembers a downlink that its network server has. */
  put(name: string, changes?: Partial<Downlink> & { ids?: readonly string[]; state?: DownlinkState; at?: number }): Promise<Downlink>;
  /** What becomes of one report, before and after it is durable. */
  report(fields: Partial<DownlinkStatusFields>): Promise<Reported>;
  readonly resolve: (fields: readonly Partial<DownlinkStatusFields>[]) => Promise<{ readonly incoming: readonly Reported[]; readonly settled: () => Promise<void> }>;
  remembered(): Promise<readonly [string | undefined, DownlinkState][]>;
}

const reportOf = (fields: Partial<DownlinkStatusFields>, index = 0): Reported => ({ fields: { type: 'downlink-status', deviceId: device, state: 'sent', ...fields }, idempotencyKey: `key ${index}` });

const setScene = async (t: Test, kind: NetworkServerKind, changes: Partial<TrackerOptions> = {}): Promise<Scene> => {
  const room = await openDownlinkRoom(t, { targets: [createTestTarget('ns', kind), createTestTarget('elsewhere', kind)] });
  const { submitted } = room.store;
  const underWay = createUnderWay();
  const tracker = createTracker({ submitted, lives: room.lives, targets: room.targets, underWay, metrics: room.metrics, logger: room.logger, ...changes });
  const resolve: Scene['resolve'] = async (all) => {
    const resolved = await tracker.resolve({ id: 'ns', kind }, all.map(reportOf));
    return { incoming: resolved.incoming, settled: () => resolved.settled() };
  };
  return {
    ...room,
    underWay,
    resolve,
    async put(name, { ids = [], state = 'submitted', at = Date.now(), ...more } = {}) {
      const downlink = newDownlink(name, device, { networkServer: { id: 'ns', kind }, ...more });
      await submitted.put({ downlink, ids, submittedAt: at, attempts: 2, state });
      return downlink;
    },
    async report(fields) {
      const resolved = await resolve([fields]);
      await resolved.settled();
      return resolved.incoming[0] ?? reportOf({});
    },
    remembered: async () => (await submitted.of(device)).map(({ downlink, state }) => [downlink.correlationId, state]),
  };
};

void t.test('The Things Stack: by correlation id, from queued to acknowledged', async (t) => {
  const scene = await setScene(t, 'the-things-stack');
  await scene.put('other', { ids: ['lpwan-bridge:00'], confirmed: true });
  const downlink = await scene.put('mine', { ids: ['lpwan-bridge:Ab'], confirmed: true, connectionId: 'main', fPort: 7 });
  const ids = ['as:downlink:1', 'LPWAN-BRIDGE:aB'];
  const common = { downlinkId: downlink.id, correlationId: 'mine', attempt: 2, fPort: 7, correlationIds: ids };
  const queued = await scene.report({ state: 'queued', event: 'downlink_queued', correlationIds: ids });
  t.match(queued, { fields: { ...common, state: 'submitted', event: 'downlink_queued' }, connectionId: 'main', idempotencyKey: 'key 0' });
  t.same(await scene.remembered(), [['other', 'submitted'], ['mine', 'submitted']]);
  t.match(await scene.report({ state: 'sent', event: 'downlink_sent', correlationIds: ids, fPort: 7 }), { fields: { ...common, state: 'sent' } });
  t.same(await scene.remembered(), [['other', 'submitted'], ['mine', 'sent']], 'confirmed: more can come');
  t.match(await scene.report({ state: 'queued', event: 'downlink_queued', correlationIds: ids }), { fields: { state: 'sent' } }, 'a late one does not go backwards');
  t.match(await scene.report({ state: 'acknowledged', event: 'downlink_ack', correlationIds: ids }), { fields: { ...common, state: 'acknowledged' } });
  t.same(await scene.remembered(), [['other', 'submitted']]);
  t.equal(await scene.metric('downlink_reports_total', { network_server: 'ns', matched: 'yes' }), 4);
  t.equal(await scene.metric('downlinks_total', { connection: 'main', state: 'sent' }), 1);
  t.equal(await scene.metric('downlinks_total', { connection: 'main', state: 'acknowledged' }), 1);
});

void t.test('The Things Stack: an id that is not ours, or none, matches nothing', async (t) => {
  const scene = await setScene(t, 'the-things-stack');
  await scene.put('mine', { ids: ['lpwan-bridge:1'] });
  for (const fields of [{ correlationIds: ['as:downlink:1'], fPort: 10 }, { fPort: 10 }]) {
    const message = await scene.report(fields);
    t.same(message.fields, reportOf(fields).fields, 'published as it is');
    t.notOk(message.connectionId);
  }
  t.same(await scene.remembered(), [['mine', 'submitted']]);
  t.equal(await scene.metric('downlink_reports_total', { network_server: 'ns', matched: 'no' }), 2);
});

void t.test('The Things Stack: after a nack the network server may try again', async (t) => {
  const scene = await setScene(t, 'the-things-stack');
  await scene.put('mine', { ids: ['x'], confirmed: true, state: 'sent' });
  const nack = { event: 'downlink_nack', correlationIds: ['x'] };
  t.match(await scene.report({ ...nack, state: 'submitted' }), { fields: { state: 'submitted', correlationId: 'mine' } });
  t.same(await scene.remembered(), [['mine', 'submitted']]);
  t.match(await scene.report({ ...nack, state: 'failed' }), { fields: { state: 'failed' } });
  t.match(await scene.report({ event: 'downlink_ack', state: 'acknowledged', correlationIds: ['x'] }), { fields: { state: 'acknowledged', correlationId: 'mine' } });
  t.same(await scene.remembered(), []);
});

void t.test('The Things Stack: a failure, and the last state of an unconfirmed one, end it', async (t) => {
  const scene = await setScene(t, 'the-things-stack');
  await scene.put('a', { ids: ['a'] });
  await scene.put('b', { ids: ['b'] });
  await scene.report({ state: 'failed', event: 'downlink_failed', correlationIds: ['a'] });
  await scene.report({ state: 'sent', event: 'downlink_sent', correlationIds: ['b'] });
  t.same(await scene.remembered(), []);
});

void t.test('ThingPark: Sent by CorrelationID is the last state', async (t) => {
  const scene = await setScene(t, 'thingpark');
  await scene.put('a', { ids: ['0123456789ABCDEF'] });
  await scene.put('b', { ids: ['FEDCBA9876543210'] });
  t.match(await scene.report({ event: 'DevEUI_downlink_Sent', correlationIds: ['fedcba9876543210'], fPort: 10 }), { fields: { correlationId: 'b', state: 'sent' } });
  t.same(await scene.remembered(), [['a', 'submitted']]);
  t.notOk((await scene.report({ event: 'DevEUI_downlink_Sent', fPort: 10 })).fields.downlinkId, 'Sent without CorrelationID is somebody else\'s');
});

void t.test('ThingPark: a rejection without CorrelationID belongs to the oldest with its FPort that was not transmitted', async (t) => {
  const scene = await setScene(t, 'thingpark');
  await scene.put('sent', { ids: ['1'], state: 'sent', fPort: 10 });
  await scene.put('other port', { ids: ['2'], fPort: 11 });
  await scene.put('elsewhere', { ids: ['3'], fPort: 10, networkServer: { id: 'elsewhere', kind: 'thingpark' } });
  await scene.put('oldest', { ids: ['4'], fPort: 10 });
  await scene.put('newer', { ids: ['5'], fPort: 10, state: 'queued' });
  const rejected = { event: 'DevEUI_downlink_Rejected', state: 'rejected', fPort: 10 } as const;
  t.match(await scene.report(rejected), { fields: { correlationId: 'oldest', state: 'rejected' } });
  t.match(await scene.report({ ...rejected, correlationIds: ['77'] }), { fields: { downlinkId: undefined } }, 'an id that is not ours is not');
  const { incoming } = await scene.resolve([rejected, rejected]);
  t.same(incoming.map(({ fields }) => fields.correlationId), ['newer', undefined], 'two reports of one document are not about the same one');
  const { fPort: _, ...portless } = rejected;
  t.match(await scene.report(portless), { fields: { correlationId: 'other port', fPort: 11 } });
});

void t.test('ChirpStack 4: by queue item id', async (t) => {
  const scene = await setScene(t, 'chirpstack');
  await scene.put('a', { ids: ['5a1b6e6c-0000-4000-8000-000000000001'], confirmed: true });
  const txack = { event: 'txack', correlationIds: ['5A1B6E6C-0000-4000-8000-000000000001', '12345'], fCnt: 3 };
  t.match(await scene.report(txack), { fields: { correlationId: 'a', state: 'sent' } });
  t.match(await scene.report({ event: 'ack', state: 'failed', correlationIds: txack.correlationIds }), { fields: { correlationId: 'a', state: 'failed' } });
  t.same(await scene.remembered(), []);
  t.notOk((await scene.report(txack)).fields.downlinkId, 'what is over is not matched');
});

void t.test('ChirpStack 3: by frame counter, the latest where it came again', async (t) => {
  const scene = await setScene(t, 'chirpstack');
  await scene.put('before the rejoin', { ids: ['fCnt:0'], confirmed: true });
  await scene.put('after', { ids: ['fCnt:0'], confirmed: true });
  await scene.put('next', { ids: ['fCnt:1'], confirmed: true });
  t.match(await scene.report({ event: 'txack', fCnt: 0 }), { fields: { correlationId: 'after' } });
  t.match(await scene.report({ event: 'ack', state: 'acknowledged', fCnt: 1 }), { fields: { correlationId: 'next' } });
  t.notOk((await scene.report({ event: 'ack', state: 'acknowledged', fCnt: 9 })).fields.downlinkId);
});

void t.test('Sigfox: the one that was handed out last', async (t) => {
  const scene = await setScene(t, 'sigfox');
  await scene.put('a');
  await scene.put('b');
  t.match(await scene.report({ event: 'ACKNOWLEDGE', state: 'submitted', cause: { code: 'PENDING' } }), { fields: { correlationId: 'b', state: 'submitted', cause: { code: 'PENDING' } } });
  t.match(await scene.report({ event: 'ACKNOWLEDGE', state: 'acknowledged' }), { fields: { correlationId: 'b', state: 'acknowledged' } });
  t.same(await scene.remembered(), [['a', 'submitted']]);
  t.match(await scene.report({ event: 'ACKNOWLEDGE', state: 'failed' }), { fields: { correlationId: 'a', state: 'failed' } });
  t.notOk((await scene.report({ event: 'ACKNOWLEDGE', state: 'failed' })).fields.downlinkId);
});

void t.test('nothing is changed before the message is durable, so the webhook may come again', async (t) => {
  const scene = await setScene(t, 'chirpstack');
  await scene.put('a', { ids: ['x'] });
  const first = await scene.resolve([{ correlationIds: ['x'] }]);
  t.same(await scene.remembered(), [['a', 'submitted']]);
  const second = await scene.resolve([{ correlationIds: ['x'] }]);
  t.same(second.incoming, first.incoming, 'the same message again, so that it is dropped');
  await first.settled();
  await second.settled();
  t.same(await scene.remembered(), []);
});

void t.test('several reports of one document build on one another, and other messages pass as they are', async (t) => {
  const scene = await setScene(t, 'the-things-stack');
  await scene.put('a', { ids: ['x'], confirmed: true, state: 'queued' });
  const tracker = createTracker({ ...scene, submitted: scene.store.submitted });
  const uplink = { fields: { type: 'uplink' as const, deviceId: 'e0', payload: '00' }, idempotencyKey: 'u' };
  const resolved = await tracker.resolve({ id: 'ns', kind: 'the-things-stack' }, [reportOf({ state: 'sent', correlationIds: ['x'] }), uplink, reportOf({ state: 'queued', correlationIds: ['x'] })]);
  t.equal(resolved.incoming[1], uplink);
  t.same([resolved.incoming[0], resolved.incoming[2]].map((message) => (message?.fields as DownlinkStatusFields).state), ['sent', 'sent']);
  await resolved.settled();
  t.same(await scene.remembered(), [['a', 'sent']]);
});

void t.test('an attempt whose answer is still awaited learns from its report', async (t) => {
  const scene = await setScene(t, 'thingpark');
  await scene.put('a', { ids: ['1'], state: 'queued' });
  await scene.report({ state: 'failed', event: 'DevEUI_downlink_Sent', correlationIds: ['1'] });
  t.same(await scene.remembered(), [['a', 'failed']], 'kept until the attempt is over');
});

void t.test('a report waits for the submission of its device, and only for that', async (t) => {
  const scene = await setScene(t, 'chirpstack');
  const over = scene.underWay.begin(device);
  scene.underWay.begin('e0');
  let isResolved = false;
  const resolving = scene.resolve([{ correlationIds: ['x'] }]).then((resolved) => {
    isResolved = true;
    return resolved;
  });
  await scene.put('a', { ids: ['x'] });
  await scene.store.submitted.of(device);
  t.notOk(isResolved);
  over();
  over();
  t.match((await resolving).incoming, [{ fields: { correlationId: 'a' } }]);
});

void t.test('a submission that hangs holds a report for two seconds', async (t) => {
  const scene = await setScene(t, 'chirpstack');
  await scene.put('a', { ids: ['x'] });
  scene.underWay.begin(device);
  const start = performance.now();
  t.match(await scene.report({ correlationIds: ['x'] }), { fields: { correlationId: 'a' } });
  t.ok(performance.now() - start >= 1_990);
});

const unavailable = () => Promise.reject(new BridgeError('store_unavailable'));

for (const [name, of] of [['fails', unavailable], ['hangs', () => new Promise<never>(() => undefined)]] as const) {
  void t.test(`while the store ${name} reports are published as they are`, async (t) => {
    const scene = await setScene(t, 'chirpstack', { submitted: { of, put: unavailable, remove: unavailable } });
    const { incoming, settled } = await scene.resolve([{ correlationIds: ['x'] }, { correlationIds: ['y'], deviceId: 'e0' }]);
    t.same(incoming, [reportOf({ correlationIds: ['x'] }), reportOf({ correlationIds: ['y'], deviceId: 'e0' }, 1)]);
    await settled();
    t.equal(scene.lines.filter((line) => line.includes('cannot be matched')).length, 1, 'logged once');
  });
}

void t.test('what cannot be remembered is told to who settles', async (t) => {
  const room = await openDownlinkRoom(t, { targets: [createTestTarget('ns')] });
  const { submitted } = room.store;
  const tracker = createTracker({ ...room, submitted: { ...submitted, remove: unavailable }, underWay: createUnderWay() });
  await submitted.put({ downlink: newDownlink('a', device, { networkServer: { id: 'ns', kind: 'chirpstack' } }), ids: ['x'], submittedAt: Date.now(), attempts: 1, state: 'submitted' });
  const resolved = await tracker.resolve({ id: 'ns', kind: 'chirpstack' }, [reportOf({ correlationIds: ['x'] })]);
  const error: unknown = await resolved.settled().catch((thrown: unknown) => thrown);
  t.match(error, { reason: 'store_unavailable' });
});

void t.test('each state that is reported is noted in the life of its downlink, once it is durable', async (t) => {
  const scene = await setScene(t, 'the-things-stack', { now: () => 5_000 });
  const downlink = await scene.put('a', { ids: ['x'], confirmed: true });
  const resolved = await scene.resolve([{ state: 'sent', correlationIds: ['x'] }, { state: 'failed', event: 'downlink_nack', correlationIds: ['x'], cause: { code: 'NACK' } }, { state: 'sent', correlationIds: ['of another'] }]);
  t.same(scene.lives.noted, []);
  await resolved.settled();
  const life = { downlinkId: downlink.id, connectionId: 'main', deviceId: device, correlationId: 'a', networkServerId: 'ns' };
  t.strictSame(scene.lives.noted, [{ life, step: { state: 'sent', time: 5_000, attempt: 2 } }, { life, step: { state: 'failed', time: 5_000, attempt: 2, cause: { code: 'NACK' } } }]);
});
