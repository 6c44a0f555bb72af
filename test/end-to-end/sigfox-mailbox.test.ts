/** Downlinks of Sigfox: the answer to the device's next bidirectional callback. Tests of one configuration share a bridge, each with a device of its own. */
import type { Test } from 'tap';
import type { HttpAnswer, TestBridge } from './support/bridge.js';
import { onBothQueues, setDownlinkScene, startBridge, untilHealth, type DownlinkScene, type QueueKind } from './support/downlink-scene.js';
import { newCorrelationId, sendDownlink } from './support/downlinks.js';
import { downlinkOf, postAcknowledge, postBidir, postData, sigfoxMessage } from './support/sigfox-cloud.js';

/** What the tests of one bridge share. */
interface Stage {
  readonly scene: DownlinkScene;
  readonly bridge: TestBridge;
}

interface Waiting {
  readonly payload: string;
  readonly correlationId: string;
}

/** The device is known, and downlinks wait for it, in this order. */
const fill = async ({ scene, bridge }: Stage, device: string, payloads: readonly string[]): Promise<readonly Waiting[]> => {
  const { status } = await postData(bridge, sigfoxMessage(device));
  if (status !== 204) throw new Error(`the uplink was answered ${status}`);
  const waiting = payloads.map((payload) => ({ payload, correlationId: newCorrelationId() }));
  for (const one of waiting) {
    await sendDownlink(scene.broker, { deviceId: device.toLowerCase(), ...one });
    await scene.statuses.until(one.correlationId, 'queued');
  }
  return waiting;
};

const [first, second, third] = ['0000000000000001', '0000000000000002', '0000000000000003'] as const;

const repeatsAfterKill = async (t: Test, stage: Stage): Promise<TestBridge> => {
  const { scene, bridge } = stage;
  const device = '2C30E0';
  const [one, two] = await fill(stage, device, [first, second]);
  const message = sigfoxMessage(device);
  const answer = await postBidir(bridge, message);
  t.match(answer.headers['content-type'], /^application\/json/);
  t.strictSame(JSON.parse(answer.body), { [device]: { downlinkData: first } }, 'under the id as the callback wrote it');
  t.match(await scene.statuses.until(one?.correlationId ?? '', 'submitted'), { attempt: 1 });
  const repeated = await postBidir(bridge, message);
  t.strictSame([repeated.status, repeated.body], [answer.status, answer.body]);
  await bridge.kill();
  const again = await startBridge(t, scene.home);
  t.equal(downlinkOf(await postBidir(again, message), device), first, 'the same after kill -9');
  t.equal(downlinkOf(await postBidir(again, sigfoxMessage(device)), device), second, 'the next message gets the next');
  await scene.statuses.until(two?.correlationId ?? '', 'submitted');
  t.equal(downlinkOf(await postBidir(again, message), device), first, 'and the first still the first');
  t.equal(downlinkOf(await postBidir(again, sigfoxMessage(device)), device), undefined, 'the mailbox is empty');
  for (const { correlationId } of [one, two].flatMap((waiting) => waiting ?? [])) t.equal(scene.statuses.of(correlationId).filter(({ state }) => state === 'submitted').length, 1, 'submitted once');
  return again;
};

onBothQueues('the mailbox that gives the oldest first', async (t: Test, queue: QueueKind) => {
  const scene = await setDownlinkScene(t, { queue, sigfox: { mailbox: 'oldest' } });
  const stage = { scene, bridge: await startBridge(t, scene.home) };

  await t.test('one for each callback', async (t) => {
    const device = '2C30EA';
    await fill(stage, device, [first, second, third]);
    for (const payload of [first, second, third]) t.equal(downlinkOf(await postBidir(stage.bridge, sigfoxMessage(device)), device), payload);
  });

  await t.test('the callback is answered with the 8 bytes, a repetition with the same again, also after kill -9', async (t) => {
    const again = await repeatsAfterKill(t, stage);
    t.equal(await again.stop(), 0);
  });
});

const newestWins = async (t: Test, stage: Stage): Promise<void> => {
  const { scene, bridge } = stage;
  const device = '2C30EB';
  const [one, two, three] = await fill(stage, device, [first, second, third]);
  for (const replaced of [one, two]) t.match(await scene.statuses.until(replaced?.correlationId ?? '', 'failed'), { cause: { code: 'downlink_replaced' } });
  t.equal(downlinkOf(await postBidir(bridge, sigfoxMessage(device)), device), third);
  t.equal(downlinkOf(await postBidir(bridge, sigfoxMessage(device)), device), undefined);
  await scene.statuses.until(three?.correlationId ?? '', 'submitted');
};

const emptyAnswers204 = async (t: Test, stage: Stage): Promise<void> => {
  const { bridge } = stage;
  const device = '2C30EC';
  const early = sigfoxMessage(device);
  const empty = await postBidir(bridge, early);
  t.strictSame([empty.status, empty.body], [204, '']);
  await fill(stage, device, [first]);
  t.equal(downlinkOf(await postBidir(bridge, early), device), undefined, 'the repetition of a callback that got nothing gets nothing');
  const plain = await postData(bridge, sigfoxMessage(device));
  t.strictSame([plain.status, plain.body], [204, '']);
  t.equal(downlinkOf(await postBidir(bridge, sigfoxMessage('2C30FC')), '2C30FC'), undefined, 'another device gets nothing');
  t.equal(downlinkOf(await postBidir(bridge, sigfoxMessage(device)), device), first, 'it still waits');
};

const wrongLengths = async (t: Test, stage: Stage): Promise<void> => {
  const { scene, bridge } = stage;
  const device = '2C30ED';
  await fill(stage, device, []);
  for (const bytes of [0, 1, 7, 9, 12]) {
    const correlationId = newCorrelationId();
    await sendDownlink(scene.broker, { deviceId: device.toLowerCase(), payload: 'ab'.repeat(bytes), correlationId });
    t.match(JSON.stringify((await scene.statuses.until(correlationId, 'rejected')).cause), /payload/, `${bytes} bytes`);
  }
  t.equal(downlinkOf(await postBidir(bridge, sigfoxMessage(device)), device), undefined);
};

const acknowledgeEnds = async (t: Test, stage: Stage): Promise<void> => {
  const { scene, bridge } = stage;
  const device = '2C30EE';
  const ends = [[0, 'acknowledged', undefined], [1, 'failed', 'NO_ANSWER'], [6, 'failed', 'NO_DOWNLINK_CONTRACT']] as const;
  for (const [infoCode, state, code] of ends) {
    const [waiting] = await fill(stage, device, [`000000000000010${infoCode}`]);
    const correlationId = waiting?.correlationId ?? '';
    await postBidir(bridge, sigfoxMessage(device));
    t.equal((await postAcknowledge(bridge, device, infoCode)).status, 204);
    const status = await scene.statuses.until(correlationId, state);
    t.equal(status.cause?.code, code, `infoCode ${infoCode}`);
    t.strictSame(scene.statuses.states(correlationId), ['queued', 'submitted', state]);
  }
};

/** Sigfox waits 10 s for the answer; after that the device hears nothing. */
const sigfoxPatienceMs = 10_000;

const inTime = async (call: Promise<HttpAnswer>): Promise<HttpAnswer> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => (timer = setTimeout(() => reject(new Error('no answer while Sigfox waited')), sigfoxPatienceMs)));
  try {
    return await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
  }
};

const answersWithoutAws = async (t: Test, stage: Stage, away: 'cut' | 'blackhole'): Promise<void> => {
  const { scene, bridge } = stage;
  const device = away === 'cut' ? '2C30EF' : '2C30F0';
  const [waiting] = await fill(stage, device, [first]);
  await scene.broker[away]();
  t.equal(downlinkOf(await inTime(postBidir(bridge, sigfoxMessage(device))), device), first);
  t.equal((await postAcknowledge(bridge, device, 0)).status, 204);
  await scene.broker.restore();
  await scene.statuses.until(waiting?.correlationId ?? '', 'acknowledged', 60_000);
  t.strictSame(scene.statuses.states(waiting?.correlationId ?? ''), ['queued', 'submitted', 'acknowledged'], 'its states come when AWS is back');
  await untilHealth(bridge, 'all is well', ({ status }) => status === 'ok');
};

const answersWithoutRedis = async (t: Test, stage: Stage): Promise<void> => {
  const { scene, bridge } = stage;
  const device = '2C30F1';
  const [waiting] = await fill(stage, device, [first]);
  scene.redis?.pause();
  const message = sigfoxMessage(device);
  const answer = await inTime(postBidir(bridge, message));
  t.ok(answer.status >= 200 && answer.status < 300, `answered ${answer.status}`);
  await scene.broker.received.until('the uplink', (all) => all.some(({ topic, payload }) => topic.endsWith('/uplink') && payload.includes(`"fCnt":${message.seqNumber},`)));
  scene.redis?.resume();
  await untilHealth(bridge, 'all is well', ({ status }) => status === 'ok');
  const answers = [answer, await postBidir(bridge, message), await postBidir(bridge, sigfoxMessage(device))];
  t.ok(answers.some((one) => downlinkOf(one, device) === first), 'the downlink is not lost');
  await scene.statuses.until(waiting?.correlationId ?? '', 'submitted');
};

onBothQueues('the mailbox as it is by default', async (t: Test, queue: QueueKind) => {
  const scene = await setDownlinkScene(t, { queue, configuration: { publishTimeout: '1s', connectTimeout: '1s' } });
  const stage = { scene, bridge: await startBridge(t, scene.home) };
  await t.test('the newest wins, and what it replaced has failed', (t) => newestWins(t, stage));
  await t.test('when empty it answers 204, and an uplink that asks for nothing takes nothing', (t) => emptyAnswers204(t, stage));
  await t.test('wrong lengths are rejected and answer nothing', (t) => wrongLengths(t, stage));
  await t.test('the ACKNOWLEDGE callback ends a downlink', (t) => acknowledgeEnds(t, stage));
  for (const away of ['cut', 'blackhole'] as const) await t.test(`with AWS away (${away}) the callback is answered all the same`, (t) => answersWithoutAws(t, stage, away));
  if (queue === 'redis') await t.test('with Redis away the callback is answered in time, and its uplink is kept', (t) => answersWithoutRedis(t, stage));
  t.equal(await stage.bridge.stop(), 0);
});
