import t from 'tap';
import type { Downlink, SubmitOutcome } from '../../src/messages/downlink.js';
import { newDownlink } from '../contracts/downlink-store-samples.js';
import { until } from '../support/until.js';
import { device, emptied, onNetwork, setScene } from './support/submission-scene.js';
import { accepted, busy, createTestTarget, refusal, silence, unauthorised } from './support/test-target.js';

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

void t.test('a target that throws is an unknown outcome', async (t) => {
  const target = createTestTarget('factory');
  const scene = await setScene(t, [target]);
  target.answer(() => {
    throw new Error('broken');
  });
  t.match(await scene.submission.work.submit({ downlink: onNetwork(target, 'a'), attempts: 0 }), { kind: 'retry', attempts: 1 });
});
