import t, { type Test } from 'tap';
import { createDownlinkIntake } from '../../src/downlink/downlink-intake.js';
import { createNetworkServerStates, type NetworkServerStates } from '../../src/downlink/network-server-states.js';
import { createSubmission, type SubmissionOptions } from '../../src/downlink/submit-downlink.js';
import { deadlineIn } from '../../src/lifecycle.js';
import { rejectsWith } from '../contracts/downlink-store-opened.js';
import { newDownlink } from '../contracts/downlink-store-samples.js';
import { connectionOf, openDownlinkRoom, type DownlinkRoom } from './support/downlink-room.js';
import { until } from '../support/until.js';
import { createTestTarget, unauthorised, type TestTarget } from './support/test-target.js';

const device = '24e124c3b1a70042';

const submissionOf = (t: Test, room: DownlinkRoom, changes: Partial<SubmissionOptions> = {}) => {
  const submission = createSubmission({ ...room.store, ...room, statuses: room.outlet, ratePerSecond: () => 10_000, ...changes });
  t.teardown(() => submission.close(deadlineIn(2_000)));
  return submission;
};

const add = (room: DownlinkRoom, target: TestTarget, name: string, changes = {}): Promise<unknown> =>
  room.store.queue.add(newDownlink(name, device, { networkServer: { id: target.id, kind: target.kind }, ...changes }), { delivery: 'submit', windowMs: 60_000, capacity: 100 });

const send = (connectionId: string, topic: string, correlationId: string) => ({ connectionId, topic, payload: Buffer.from(JSON.stringify({ payload: '00', fPort: 1, correlationId })) });

void t.test('connections that come, change and go are followed', async (t) => {
  const room = await openDownlinkRoom(t, { targets: [createTestTarget('factory')], devices: [{ deviceId: device, networkServerId: 'factory', connectionIds: ['late', 'main'] }] });
  const { receive } = createDownlinkIntake({ ...room.store, ...room, statuses: room.outlet });
  await rejectsWith(t, receive(send('late', `d/${device}`, 'early')), 'no_connection');
  room.connections.set('late', connectionOf({ id: 'late', topicPattern: 'd/{DevEUI}' }));
  await receive(send('late', `d/${device}`, 'added'));
  t.same(room.outlet.states('added'), ['queued']);
  room.connections.set('late', connectionOf({ id: 'late', topicPattern: 'e/{DevEUI}' }));
  await receive(send('late', `d/${device}`, 'old topic'));
  await receive(send('late', `e/${device}`, 'new topic'));
  t.same([room.outlet.states('old topic'), room.outlet.states('new topic')], [[], ['queued']]);
  room.connections.delete('late');
  await rejectsWith(t, receive(send('late', `e/${device}`, 'removed')), 'no_connection');
});

void t.test('a network server that comes is used, and a removed one is refused', async (t) => {
  const room = await openDownlinkRoom(t, { targets: [], devices: [{ deviceId: device, networkServerId: 'factory' }] });
  const { receive } = createDownlinkIntake({ ...room.store, ...room, statuses: room.outlet });
  const topic = `tpx/things/${device}/downlink`;
  await receive(send('main', topic, 'before'));
  t.match(room.outlet.find('before', 'rejected'), { cause: { code: 'downlink_unsupported' } });
  t.match(room.lives.noted, [{ life: { correlationId: 'before', connectionId: 'main' }, step: { state: 'rejected', cause: { code: 'downlink_unsupported' } } }]);
  const target = createTestTarget('factory');
  room.targets.set('factory', target);
  await receive(send('main', topic, 'after'));
  submissionOf(t, room).start();
  await until('it arrived', () => target.names().includes('after'));
});

void t.test('a downlink of a network server that was removed waits for it to come back', async (t) => {
  const target = createTestTarget('factory');
  const room = await openDownlinkRoom(t, { targets: [] });
  const submission = submissionOf(t, room);
  await add(room, target, 'a');
  t.ok(submission.work.holdMs(newDownlink('a', device)) > 0, 'none of the rate is used for it');
  submission.start();
  t.match(await submission.work.submit({ downlink: newDownlink('b', 'e0'), attempts: 2 }), { kind: 'retry', attempts: 2 });
  room.targets.set('factory', target);
  await until('it is submitted', () => target.names().includes('a'));
  await until('that is told', () => room.outlet.states('a').includes('submitted'));
});

void t.test('when it stays away the downlink fails, or expires', async (t) => {
  const away = createTestTarget('factory');
  const room = await openDownlinkRoom(t, { targets: [] });
  let now = Date.now();
  const submission = submissionOf(t, room, { removedGraceMs: 60_000, now: () => now, clock: () => now });
  const queued = { downlink: newDownlink('a', device, { validUntil: now + 3_600_000 }), attempts: 1 };
  t.match(await submission.work.submit(queued), { kind: 'retry' });
  now += 59_000;
  t.match(await submission.work.submit(queued), { kind: 'retry' });
  now += 1_000;
  t.equal(submission.work.holdMs(queued.downlink), 0);
  t.match(await submission.work.submit(queued), { kind: 'done' });
  t.match(room.outlet.find('a', 'failed'), { attempt: 1, cause: { code: 'downlink_unsupported', text: /factory is not configured/ } });
  room.targets.set('factory', away);
  t.equal(submission.work.holdMs(queued.downlink), 0);
  room.targets.delete('factory');
  t.ok(submission.work.holdMs(queued.downlink) > 0, 'it was back meanwhile');
  t.match(await submission.work.submit({ downlink: newDownlink('old', device, { validUntil: now }), attempts: 0 }), { kind: 'done' });
  t.match(room.outlet.find('old', 'expired'), { cause: { code: 'expired', text: /factory was not configured/ } });
});

void t.test('what was learned about a network server is forgotten when it is changed', async (t) => {
  const target = createTestTarget('factory');
  const room = await openDownlinkRoom(t, { targets: [target] });
  const submission = submissionOf(t, room);
  target.answer(() => unauthorised);
  await add(room, target, 'a');
  submission.start();
  await until('it fails', () => submission.failing().length === 1);
  t.equal(await room.metric('downlink_network_server_failing', { network_server: 'factory' }), 1);
  const mended = createTestTarget('factory');
  room.targets.set('factory', mended);
  await until('it is submitted to the new one', () => mended.names().includes('a'));
  t.same(submission.failing(), []);
  t.equal(await room.metric('downlink_network_server_failing', { network_server: 'factory' }), 0);
});

const fail = (states: NetworkServerStates): void => states.of('factory')?.begin()?.ended(unauthorised);

void t.test('the state of a target object is made when first asked, and goes with it', async (t) => {
  const room = await openDownlinkRoom(t, { targets: [createTestTarget('factory')] });
  const states = createNetworkServerStates({ ...room, now: Date.now, clock: () => performance.now(), random: () => 1 });
  t.equal(states.of('nobody'), undefined);
  const first = states.of('factory');
  t.equal(states.of('factory'), first);
  const late = first?.begin();
  fail(states);
  t.match(states.failing(), [{ networkServerId: 'factory', reason: 'network_server_unauthorised' }]);
  room.targets.set('factory', createTestTarget('factory'));
  t.same(states.failing(), []);
  t.not(states.of('factory'), first);
  late?.ended(unauthorised);
  t.same(states.failing(), [], 'an attempt at the old one tells nothing about the new one');
  t.equal(await room.metric('downlink_network_server_failing', { network_server: 'factory' }), 0);
  fail(states);
  room.targets.delete('factory');
  t.equal(states.of('factory'), undefined);
  t.same(states.failing(), []);
});

void t.test('a target that is replaced while its downlink is about to leave gets nothing any more', async (t) => {
  const old = createTestTarget('factory');
  const fresh = createTestTarget('factory');
  const room = await openDownlinkRoom(t, { targets: [old] });
  const { devices } = room.store;
  const replacing = { find: async (id: string) => { room.targets.set('factory', fresh); return devices.find(id); } };
  const submission = submissionOf(t, room, { devices: replacing });
  await add(room, old, 'a');
  submission.start();
  await until('it is submitted', () => fresh.names().length === 1);
  t.same(old.names(), []);
});
