import t, { type Test } from 'tap';
import type { DownlinkStore, QueuedDownlink, SubmittedDownlink } from '../../src/downlink/ports.js';
import { createSubmission, type Submission, type SubmissionOptions } from '../../src/downlink/submit-downlink.js';
import { BridgeError } from '../../src/errors.js';
import type { Downlink, SubmitOutcome } from '../../src/messages/downlink.js';
import { newDownlink } from '../contracts/downlink-store-samples.js';
import { openDownlinkRoom, type DownlinkRoom, type RoomOptions } from './support/downlink-room.js';
import { deadlineIn } from '../../src/lifecycle.js';
import { until } from '../support/until.js';
import { accepted, busy, createTestTarget, refusal, silence, unauthorised, type TestTarget } from './support/test-target.js';

const device = '24e124c3b1a70042';

interface Scene extends DownlinkRoom {
  readonly submission: Submission;
  add(...downlinks: readonly Downlink[]): Promise<void>;
  /** What is remembered of a device, as name, state and ids. */
  remembered(deviceId?: string): Promise<readonly [string | undefined, string, readonly string[]][]>;
}

const submissionOf = (t: Test, room: DownlinkRoom, changes: Partial<SubmissionOptions> = {}): Submission => {
  const { store, outlet, lives, targets, metrics, logger } = room;
  const submission = createSubmission({ queue: store.queue, submitted: store.submitted, devices: store.devices, statuses: outlet, lives, targets, metrics, ratePerSecond: () => 10_000, logger, ...changes });
  t.teardown(() => submission.close(deadlineIn(2_000)));
  return submission;
};

const setScene = async (t: Test, targets: readonly TestTarget[], { changes, ...options }: Partial<RoomOptions> & { changes?: (store: DownlinkStore) => Partial<SubmissionOptions> } = {}): Promise<Scene> => {
  const room = await openDownlinkRoom(t, { targets, ...options });
  const submission = submissionOf(t, room, changes?.(room.store));
  return {
    ...room,
    submission,
    async add(...downlinks) {
      for (const downlink of downlinks) await room.store.queue.add(downlink, { delivery: 'submit', windowMs: 60_000, capacity: 10_000 });
    },
    remembered: async (deviceId = device) => (await room.store.submitted.of(deviceId)).map(({ downlink, state, ids }) => [downlink.correlationId, state, ids]),
  };
};

const emptied = (scene: Scene): Promise<void> => until('the queue is empty', async () => (await scene.store.queue.totals('main')).waiting === 0);

const onNetwork = (target: TestTarget, name: string, changes: Partial<Downlink> = {}): Downlink => newDownlink(name, device, { networkServer: { id: target.id, kind: target.kind }, ...changes });

void t.test('downlinks leave in order, are reported as submitted, and are remembered with their ids', async (t) => {
  const target = createTestTarget('factory', 'the-things-stack');
  const scene = await setScene(t, [target], { devices: [{ deviceId: device, networkServerId: 'factory', address: { device_id: 'press-1' } }] });
  const names = Array.from({ length: 10 }, (_, index) => `n${index}`);
  await scene.add(...names.map((name) => onNetwork(target, name)));
  scene.submission.start();
  await emptied(scene);
  t.same(target.names(), names);
  t.match(target.arrived[0]?.address, { device_id: 'press-1' });
  t.match(scene.outlet.find('n3', 'submitted'), { attempt: 1, fPort: 10, deviceId: device, devEui: device, correlationId: 'n3', cause: undefined });
  const [first] = await scene.remembered();
  const id = target.arrived[0]?.downlink.id;
  t.same(first, ['n0', 'submitted', [`lpwan-bridge:${id}`, `queue-item-${id}`]]);
  t.equal(await scene.metric('downlink_attempts_total', { network_server: 'factory', outcome: 'accepted' }), 10);
  t.equal(await scene.metric('downlinks_total', { connection: 'main', state: 'submitted' }), 10);
  t.same(scene.lives.steps('n3'), ['submitted 1']);
});

void t.test('an address that was learned from another network server is not used', async (t) => {
  const target = createTestTarget('factory');
  const scene = await setScene(t, [target], { devices: [{ deviceId: device, networkServerId: 'city', address: { device_id: 'x' } }] });
  await scene.add(onNetwork(target, 'a'));
  scene.submission.start();
  await emptied(scene);
  t.same(target.arrived[0]?.address, {});
});

void t.test('its reports can be matched before its answer comes, and nothing stays where none can come', async (t) => {
  const target = createTestTarget('park', 'thingpark');
  const mute = createTestTarget('mute', 'thingpark', { reportsAfter: () => false });
  const scene = await setScene(t, [target, mute]);
  let during: Awaited<ReturnType<Scene['remembered']>> = [];
  for (const one of [target, mute]) {
    one.answer(async () => {
      during = await scene.remembered();
      return accepted();
    });
  }
  await scene.add(onNetwork(target, 'a'));
  scene.submission.start();
  await emptied(scene);
  t.match(during, [['a', 'queued', [/^[0-9A-F]{16}$/]]]);
  await scene.add(onNetwork(mute, 'b'));
  await emptied(scene);
  t.match(during, [['a', 'submitted'], ['b', 'queued']]);
  t.match(await scene.remembered(), [['a', 'submitted']]);
  t.same((await scene.remembered()).length, 1);
});

void t.test('what is refused for good fails with the words of the network server, and the next one leaves', async (t) => {
  const target = createTestTarget('park', 'thingpark');
  const scene = await setScene(t, [target]);
  target.answer(({ correlationId }) => (correlationId === 'a' ? refusal : accepted()));
  await scene.add(onNetwork(target, 'a'), onNetwork(target, 'b'));
  scene.submission.start();
  await emptied(scene);
  t.match(scene.outlet.find('a', 'failed'), { attempt: 1, cause: { code: '404', text: 'no such device' } });
  t.same(scene.outlet.states('b'), ['submitted']);
  t.match(await scene.remembered(), [['b', 'submitted']], 'no report of the refused one can come');
});

void t.test('a refusal without words is named by its reason', async (t) => {
  const target = createTestTarget('factory');
  const scene = await setScene(t, [target], { changes: () => ({ removedGraceMs: 0 }) });
  target.answer(() => ({ kind: 'never', reason: 'downlink_unsupported', cause: {} }));
  await scene.add(onNetwork(target, 'a'), newDownlink('b', device, { networkServer: { id: 'removed', kind: 'chirpstack' } }));
  scene.submission.start();
  await emptied(scene);
  t.match(scene.outlet.find('a', 'failed'), { cause: { code: 'downlink_unsupported', text: /takes no such downlink/ } });
  t.match(scene.outlet.find('b', 'failed'), { attempt: 0, cause: { code: 'downlink_unsupported', text: /removed is not configured/ } });
});

void t.test('a retry keeps the order of its device and does not touch others', async (t) => {
  const target = createTestTarget('factory');
  const scene = await setScene(t, [target]);
  let refusals = 3;
  target.answer(({ correlationId }) => (correlationId === 'a' && refusals-- > 0 ? busy({ scope: 'downlink' }) : accepted()));
  await scene.add(onNetwork(target, 'a'), onNetwork(target, 'b'), onNetwork(target, 'x', { deviceId: 'e0' }));
  scene.submission.start();
  await emptied(scene);
  t.same(target.names(device), ['a', 'a', 'a', 'a', 'b']);
  t.same(target.names('e0'), ['x']);
  t.ok(target.names().indexOf('x') < target.names().lastIndexOf('a'), 'the other device did not wait');
  t.equal(scene.outlet.find('a', 'submitted')?.attempt, 4);
  t.equal(await scene.metric('downlink_attempts_total', { network_server: 'factory', outcome: 'later' }), 3);
});

void t.test('attempts that count are bounded, and the last cause is told', async (t) => {
  const target = createTestTarget('factory', 'chirpstack', { maxAttempts: 3 });
  const scene = await setScene(t, [target]);
  target.answer(({ correlationId }) => (correlationId === 'a' ? busy({ scope: 'downlink' }) : accepted()));
  await scene.add(onNetwork(target, 'a'), onNetwork(target, 'b'));
  scene.submission.start();
  await emptied(scene);
  t.same(target.names(), ['a', 'a', 'a', 'b']);
  t.match(scene.outlet.find('a', 'failed'), { attempt: 3, cause: { code: 'attempts_exhausted', text: 'attempt 3 failed: network_server_busy: 503: out of service' } });
});

void t.test('attempts that could not reach anybody do not count', async (t) => {
  const target = createTestTarget('factory', 'chirpstack', { maxAttempts: 2 });
  const scene = await setScene(t, [target]);
  let refusals = 4;
  target.answer(() => (refusals-- > 0 ? unauthorised : accepted()));
  await scene.add(onNetwork(target, 'a'));
  scene.submission.start();
  await emptied(scene);
  t.equal(target.arrived.length, 5);
  t.equal(scene.outlet.find('a', 'submitted')?.attempt, 1);
});

void t.test('an unknown outcome is tried again, or reported as failed; a late report can still be matched', async (t) => {
  const again = createTestTarget('again', 'thingpark');
  const fail = createTestTarget('fail', 'thingpark', { onUnknown: 'fail' });
  const scene = await setScene(t, [again, fail]);
  let silences = 2;
  again.answer(() => (silences-- > 0 ? silence : accepted()));
  fail.answer(() => silence);
  await scene.add(onNetwork(again, 'a'), onNetwork(fail, 'b'));
  scene.submission.start();
  await emptied(scene);
  t.same(again.names(), ['a', 'a', 'a']);
  t.equal(scene.outlet.find('a', 'submitted')?.attempt, 3);
  t.same(fail.names(), ['b']);
  t.match(scene.outlet.find('b', 'failed'), { attempt: 1, cause: { code: 'network_server_timeout', text: 'no answer within 10 s' } });
  t.match((await scene.remembered()).map(([name, state]) => [name, state]), [['a', 'submitted'], ['b', 'queued']]);
});

void t.test('a report that came in place of the answer ends the attempts', async (t) => {
  const target = createTestTarget('park', 'thingpark');
  const scene = await setScene(t, [target]);
  target.answer(async (downlink) => {
    const [entry] = await scene.store.submitted.of(device);
    if (entry !== undefined) await scene.store.submitted.put({ ...entry, state: downlink.correlationId === 'a' ? 'sent' : 'failed' });
    return silence;
  });
  await scene.add(onNetwork(target, 'a'));
  scene.submission.start();
  await emptied(scene);
  t.same(target.names(), ['a'], 'it was not submitted twice');
  t.same(scene.outlet.states('a'), [], 'the report told more than submitted');
  t.match(await scene.remembered(), [['a', 'sent']]);
  t.equal(await scene.metric('downlink_attempts_total', { network_server: 'park', outcome: 'known' }), 1);
});

void t.test('a report that came before a late answer is not overwritten by it', async (t) => {
  let moment = 0;
  const targets = [createTestTarget('press', 'the-things-stack'), createTestTarget('park', 'thingpark')] as const;
  const scene = await setScene(t, targets, { changes: () => ({ clock: () => moment }) });
  const [press, park] = targets;
  const report = (state: 'sent' | 'acknowledged' | 'failed', tookMs: number) => async (downlink: Downlink): Promise<SubmitOutcome> => {
    const [entry] = await scene.store.submitted.of(downlink.deviceId);
    if (entry !== undefined) await scene.store.submitted.put({ ...entry, state });
    moment += tookMs;
    return accepted();
  };
  press.answer(report('sent', 2_000));
  await scene.add(onNetwork(press, 'slow', { confirmed: true }));
  scene.submission.start();
  await emptied(scene);
  t.same(scene.outlet.states('slow'), [], 'the report told more than the answer');
  t.match(await scene.remembered(), [['slow', 'sent']], 'what is reported next finds it');

  park.answer(report('failed', 5_000));
  await scene.add(onNetwork(park, 'refused', { deviceId: '24e124c3b1a70043' }));
  await emptied(scene);
  t.same(scene.outlet.states('refused'), []);
  t.same(await scene.remembered('24e124c3b1a70043'), [], 'after its final state nothing is expected');

  press.answer(() => {
    moment += 2_000;
    return accepted();
  });
  await scene.add(onNetwork(press, 'quiet', { deviceId: '24e124c3b1a70044' }));
  await emptied(scene);
  t.equal(scene.outlet.find('quiet', 'submitted')?.attempt, 1, 'without a report a late answer is one');
});

void t.test('Retry-After is honoured for the downlink that it was said for', async (t) => {
  const target = createTestTarget('factory');
  const scene = await setScene(t, [target]);
  let refusals = 1;
  target.answer(() => (refusals-- > 0 ? busy({ scope: 'downlink', retryAfterMs: 400 }) : accepted()));
  await scene.add(onNetwork(target, 'a'));
  scene.submission.start();
  await emptied(scene);
  const [first, second] = target.arrived.map(({ at }) => at);
  t.ok((second ?? 0) - (first ?? 0) >= 399);
});

void t.test('what is past its validity is expired and not submitted', async (t) => {
  const target = createTestTarget('park', 'thingpark');
  const scene = await setScene(t, [target]);
  target.answer(() => busy({ scope: 'downlink' }));
  const validUntil = Date.now() + 300;
  await scene.add(onNetwork(target, 'past', { validUntil: Date.now() - 1 }), onNetwork(target, 'soon', { validUntil }), onNetwork(target, 'behind', { validUntil }));
  const slow = { ...target, maxAttempts: 1_000 };
  (scene.targets as Map<string, TestTarget>).set('park', slow);
  scene.submission.start();
  await until('all expired', () => ['past', 'soon', 'behind'].every((name) => scene.outlet.find(name, 'expired') !== undefined));
  t.match(scene.outlet.find('soon', 'expired'), { cause: { code: 'expired', text: 'the validity time ended' } });
  t.ok(Date.parse(scene.outlet.find('soon', 'expired')?.time ?? '') >= validUntil, 'not before');
  t.ok(target.names().every((name) => name === 'soon'), 'neither the one that was over nor the one behind it was tried');
  t.ok(target.arrived.every(({ downlink }) => downlink.validUntil === validUntil));
  await emptied(scene);
  t.same(await scene.remembered(), []);
  t.same(await scene.store.queue.notices(0), []);
});

void t.test('an expired downlink says that its network server failed', async (t) => {
  const target = createTestTarget('factory', 'chirpstack', { backoff: { minMs: 5_000, maxMs: 10_000 } });
  const scene = await setScene(t, [target]);
  target.answer(() => unauthorised);
  await scene.add(onNetwork(target, 'a'), onNetwork(target, 'b', { deviceId: 'e0', validUntil: Date.now() + 700 }));
  scene.submission.start();
  await until('b expired', () => scene.outlet.find('b', 'expired') !== undefined);
  t.match(scene.outlet.find('b', 'expired'), { cause: { code: 'expired', text: 'the validity time ended while the network server failed: network_server_unauthorised: wrong key' } });
  t.match(scene.submission.failing(), [{ networkServerId: 'factory', reason: 'network_server_unauthorised', detail: 'wrong key' }]);
  t.equal(await scene.metric('downlink_network_server_failing', { network_server: 'factory' }), 1);
  t.ok(scene.lines.some((line) => line.includes('"level":50') || line.includes('"level":"error"')), 'a person must act');
});

void t.test('one dead network server does not slow another, and is found again by itself', async (t) => {
  const dead = createTestTarget('dead', 'chirpstack', { maxAttempts: 1_000 });
  const well = createTestTarget('well');
  const scene = await setScene(t, [dead, well], { ratePerSecond: 200 });
  let isDead = true;
  dead.answer(() => (isDead ? busy() : accepted()));
  const devices = Array.from({ length: 40 }, (_, index) => `d${index}`);
  await scene.add(...devices.flatMap((deviceId) => [0, 1].map((count) => onNetwork(dead, `${deviceId}-${count}`, { deviceId }))));
  scene.submission.start();
  await until('it fails', () => scene.submission.failing().length === 1);
  const before = dead.arrived.length;
  await scene.add(...Array.from({ length: 60 }, (_, index) => onNetwork(well, `w${index}`, { deviceId: `e${index}` })));
  await until('the other has all', () => well.arrived.length === 60);
  t.ok(dead.arrived.length - before <= 30, `the dead one was left alone but for trials: ${dead.arrived.length - before}`);
  isDead = false;
  await emptied(scene);
  t.same(scene.submission.failing(), []);
  t.equal(await scene.metric('downlink_network_server_failing', { network_server: 'dead' }), 0);
  for (const deviceId of devices) t.same([...new Set(dead.names(deviceId))], [`${deviceId}-0`, `${deviceId}-1`]);
  const told = scene.lines.filter((line) => line.includes('takes no downlinks, they wait'));
  t.equal(told.length, 1, 'it was logged once');
});

void t.test('a network server that never answers holds only a few', async (t) => {
  const mute = createTestTarget('mute', 'chirpstack');
  const well = createTestTarget('well');
  const scene = await setScene(t, [mute, well], { ratePerSecond: 200 });
  const answers: ((outcome: SubmitOutcome) => void)[] = [];
  mute.answer(() => new Promise((resolve) => answers.push(resolve)));
  await scene.add(...Array.from({ length: 700 }, (_, index) => onNetwork(mute, `m${index}`, { deviceId: `d${index}` })));
  scene.submission.start();
  await until('it is held', () => mute.arrived.length > 8 && scene.submission.work.holdMs(onNetwork(mute, 'next')) > 0);
  await scene.add(...Array.from({ length: 20 }, (_, index) => onNetwork(well, `w${index}`, { deviceId: `e${index}` })));
  await until('the other has all', () => well.arrived.length === 20);
  t.ok(mute.arrived.length < 500, `${mute.arrived.length} wait for answers`);
  mute.answer(() => accepted());
  for (const resolve of answers) resolve(accepted());
  await emptied(scene);
  t.equal(mute.arrived.length, 700);
});

void t.test('while the outbox is full nothing is lost and nothing is submitted again', async (t) => {
  const target = createTestTarget('factory');
  const scene = await setScene(t, [target]);
  scene.outlet.full = true;
  target.answer(({ correlationId }) => (correlationId === 'c' ? refusal : accepted()));
  await scene.add(onNetwork(target, 'a'), onNetwork(target, 'b'), onNetwork(target, 'c', { deviceId: 'e0' }));
  scene.submission.start();
  await until('it was refused several times', () => scene.outlet.counts.refused >= 5);
  t.same(target.names(device), ['a'], 'the next one waits for the state of the first');
  scene.outlet.full = false;
  await emptied(scene);
  t.same(target.names(device), ['a', 'b']);
  t.same([...scene.outlet.states('a'), ...scene.outlet.states('b'), ...scene.outlet.states('c')], ['submitted', 'submitted', 'failed']);
  t.equal(scene.lines.filter((line) => line.includes('cannot be stored')).length, 1, 'logged once');
});

void t.test('a bridge that ends with a state it cannot report says it after the next start, without submitting again', async (t) => {
  const target = createTestTarget('factory');
  const dataDir = t.testdir();
  const scene = await setScene(t, [target], { dataDir });
  scene.outlet.full = true;
  await scene.add(onNetwork(target, 'a'), onNetwork(target, 'b'));
  scene.submission.start();
  await until('it was refused', () => scene.outlet.counts.refused > 0);
  await scene.submission.close(deadlineIn(400));
  await scene.store.close(deadlineIn(2_000));
  const next = await setScene(t, [target], { dataDir });
  next.submission.start();
  await emptied(next);
  t.same(target.names(), ['a', 'b']);
  t.match(next.outlet.find('a', 'submitted'), { attempt: 1 });
  t.equal(await next.metric('downlink_attempts_total', { network_server: 'factory', outcome: 'known' }), 1);
});

void t.test('killed after the answer: what the network server has is not submitted again; killed before it, it is', async (t) => {
  const target = createTestTarget('factory');
  const scene = await setScene(t, [target]);
  const known = onNetwork(target, 'known');
  const lost = onNetwork(target, 'lost', { deviceId: 'e0' });
  const entry = (downlink: Downlink, state: SubmittedDownlink['state']): SubmittedDownlink => ({ downlink, ids: ['x'], submittedAt: Date.now(), attempts: 2, state });
  await scene.store.submitted.put(entry(known, 'submitted'));
  await scene.store.submitted.put(entry(lost, 'queued'));
  await scene.add(known, lost);
  scene.submission.start();
  await emptied(scene);
  t.same(target.names(), ['lost']);
  t.match(scene.outlet.find('known', 'submitted'), { attempt: 2 }, 'as it would have been said before');
  t.match(scene.outlet.find('lost', 'submitted'), { attempt: 1 });
});

void t.test('what the store did by itself before the start is reported', async (t) => {
  const target = createTestTarget('factory');
  const scene = await setScene(t, [target]);
  await scene.add(onNetwork(target, 'a'), onNetwork(target, 'b', { flush: true }));
  await scene.add(onNetwork(target, 'c', { deviceId: 'e0', validUntil: Date.now() - 1 }));
  await scene.store.queue.expire();
  scene.submission.start();
  await until('both are reported', () => scene.outlet.find('a', 'failed') !== undefined && scene.outlet.find('c', 'expired') !== undefined);
  t.match(scene.outlet.find('a', 'failed'), { cause: { code: 'downlink_replaced' } });
  await until('they are forgotten', async () => (await scene.store.queue.notices(0)).length === 0);
});

void t.test('notices stay while the outbox is full', async (t) => {
  const target = createTestTarget('factory');
  const scene = await setScene(t, [target]);
  scene.outlet.full = true;
  await scene.add(onNetwork(target, 'c', { validUntil: Date.now() - 1 }));
  await scene.store.queue.expire();
  scene.submission.start();
  await until('it was refused', () => scene.outlet.counts.refused > 0);
  t.equal((await scene.store.queue.notices(0)).length, 1);
});

void t.test('nothing is sent while the store cannot be asked', async (t) => {
  const target = createTestTarget('factory');
  let broken = true;
  const scene = await setScene(t, [target], { changes: ({ submitted }) => ({ submitted: { ...submitted, of: (id) => (broken ? Promise.reject(new BridgeError('store_unavailable')) : submitted.of(id)) } }) });
  const queued: QueuedDownlink = { downlink: onNetwork(target, 'a'), attempts: 2 };
  t.match(await scene.submission.work.submit(queued), { kind: 'retry', attempts: 2 });
  t.match(await scene.submission.work.submit(queued), { kind: 'retry', attempts: 2 });
  t.same(target.arrived, []);
  t.equal(scene.lines.filter((line) => line.includes('cannot be submitted')).length, 1, 'logged once');
  broken = false;
  t.same(await scene.submission.work.submit(queued), { kind: 'done' });
});

void t.test('what was reported is not submitted again because it cannot be forgotten', async (t) => {
  const target = createTestTarget('park', 'thingpark');
  const scene = await setScene(t, [target], { changes: ({ submitted }) => ({ submitted: { ...submitted, remove: () => Promise.reject(new BridgeError('store_unavailable')) } }) });
  target.answer(() => refusal);
  t.same(await scene.submission.work.submit({ downlink: onNetwork(target, 'a'), attempts: 0 }), { kind: 'done' });
});

void t.test('a target that throws is an unknown outcome', async (t) => {
  const target = createTestTarget('factory');
  const scene = await setScene(t, [target]);
  target.answer(() => {
    throw new Error('broken');
  });
  t.match(await scene.submission.work.submit({ downlink: onNetwork(target, 'a'), attempts: 0 }), { kind: 'retry', attempts: 1 });
});

void t.test('when it closes it waits for what is under way and takes nothing more', async (t) => {
  const target = createTestTarget('factory');
  const scene = await setScene(t, [target]);
  let answer: (outcome: SubmitOutcome) => void = () => undefined;
  target.answer(() => new Promise((resolve) => (answer = resolve)));
  const verdict = scene.submission.work.submit({ downlink: onNetwork(target, 'a'), attempts: 0 });
  await until('it is under way', () => target.arrived.length === 1);
  const closed = scene.submission.close(deadlineIn(5_000));
  t.match(await scene.submission.work.submit({ downlink: onNetwork(target, 'b', { deviceId: 'e0' }), attempts: 0 }), { kind: 'retry', attempts: 0 });
  t.ok(scene.submission.work.holdMs(onNetwork(target, 'c')) > 0);
  answer(accepted());
  t.same(await verdict, { kind: 'done' });
  await closed;
  t.same(scene.outlet.states('a'), ['submitted']);
  t.equal(target.arrived.length, 1);
});

void t.test('a wait does not go beyond the validity time', async (t) => {
  const target = createTestTarget('factory');
  const now = 1_000_000;
  const scene = await setScene(t, [target], { changes: () => ({ now: () => now, random: () => 1 }) });
  target.answer(() => busy({ scope: 'downlink', retryAfterMs: 60_000 }));
  const at = (validUntil: number): QueuedDownlink => ({ downlink: onNetwork(target, 'a', { validUntil }), attempts: 1 });
  t.same(await scene.submission.work.submit(at(now + 700)), { kind: 'retry', afterMs: 700, attempts: 2 });
  t.same(await scene.submission.work.submit(at(now + 90_000)), { kind: 'retry', afterMs: 60_000, attempts: 2 });
  t.same(await scene.submission.work.submit(at(now)), { kind: 'done' });
});
