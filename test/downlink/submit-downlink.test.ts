import t from 'tap';
import type { QueuedDownlink, SubmittedDownlink } from '../../src/downlink/ports.js';
import { BridgeError } from '../../src/errors.js';
import { deadlineIn } from '../../src/lifecycle.js';
import type { Downlink, SubmitOutcome } from '../../src/messages/downlink.js';
import { testDir } from '../support/test-dir.js';
import { until } from '../support/until.js';
import { device, emptied, onNetwork, setScene, type Scene } from './support/submission-scene.js';
import { accepted, busy, createTestTarget, refusal, unauthorised, type TestTarget } from './support/test-target.js';

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
  const dataDir = testDir(t);
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
