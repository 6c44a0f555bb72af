/** Each network server, each form of a downlink, each state that its network can report; on both queues. */
import t, { type Test } from 'tap';
import type { TestBridge } from './support/bridge.js';
import { downlinkApis, type DownlinkApi } from './support/downlink-api.js';
import { expectNoSecrets, expectNoViolations, hear, onBothQueues, setDownlinkScene, startBridge, type DownlinkScene, type QueueKind } from './support/downlink-scene.js';
import { deviceOf, downlinkForms, newCorrelationId, sendDownlink, type DownlinkForm } from './support/downlinks.js';
import { report, reportsOf, type Report } from './support/reports.js';
import { downlinkOf, postAcknowledge, postBidir, postData, sigfoxMessage } from './support/sigfox-cloud.js';

const everyServer: Readonly<Record<DownlinkApi, DownlinkApi>> = { thingpark: 'thingpark', 'the-things-stack': 'the-things-stack', chirpstack: 'chirpstack', 'chirpstack-v3': 'chirpstack-v3' };

/** What a network server reports about one downlink, and the states that AWS sees. */
interface Story {
  readonly confirmed: boolean;
  readonly reports: readonly Report[];
  readonly states: readonly string[];
  /** Of the last state. */
  readonly cause?: { readonly code?: string; readonly text?: string | RegExp };
}

const acknowledged: Story = { confirmed: true, reports: ['sent', 'acknowledged'], states: ['queued', 'submitted', 'sent', 'acknowledged'] };
const unacknowledged: Story = { confirmed: true, reports: ['sent', 'unacknowledged'], states: ['queued', 'submitted', 'sent', 'failed'], cause: { text: /acknowledge/ } };
const sent: Story = { confirmed: false, reports: ['sent'], states: ['queued', 'submitted', 'sent'] };

const stories: Readonly<Record<DownlinkApi, readonly Story[]>> = {
  thingpark: [
    sent,
    { confirmed: true, reports: ['failed'], states: ['queued', 'submitted', 'failed'], cause: { code: 'B0', text: /too late/ } },
    { confirmed: false, reports: ['rejected'], states: ['queued', 'submitted', 'rejected'], cause: { code: '350', text: /counter value already used/ } },
  ],
  'the-things-stack': [
    sent,
    { ...acknowledged, reports: ['queued', 'sent', 'acknowledged'] },
    unacknowledged,
    { confirmed: false, reports: ['failed'], states: ['queued', 'submitted', 'failed'], cause: { code: 'application_downlink_too_long', text: /too long/ } },
  ],
  chirpstack: [sent, acknowledged, unacknowledged],
  'chirpstack-v3': [sent, acknowledged, unacknowledged],
};

interface Lane {
  readonly scene: DownlinkScene;
  readonly bridge: TestBridge;
  readonly form: DownlinkForm;
  readonly deviceId: string;
}

/** What every status of a downlink must hold, whatever its state. */
const expectStatuses = (t: Test, { scene, deviceId }: Lane, correlationId: string, networkServer: string): void => {
  const statuses = scene.statuses.of(correlationId);
  for (const { topic, deviceId: device, type, state, networkServer: sender, downlinkId, attempt } of statuses) {
    t.equal(topic, `tpx/things/${deviceId.toUpperCase()}/downlink/status`, `${state} on its topic`);
    t.strictSame([device, type, sender?.id], [deviceId, 'downlink-status', networkServer], `${state} names device and network server`);
    t.match(downlinkId, /^[0-9a-f]{32}$/, `${state} names the downlink`);
    if (state === 'queued') t.equal(attempt, 0, 'queued before the first attempt');
    if (state === 'submitted') t.equal(attempt, 1, 'submitted at the first attempt');
  }
  t.equal(new Set(statuses.map(({ downlinkId }) => downlinkId)).size, 1, 'all are about one downlink');
};

const tellStory = async (t: Test, lane: Lane, { api, story, number }: { readonly api: DownlinkApi; readonly story: Story; readonly number: number }): Promise<void> => {
  const { scene, bridge, form, deviceId } = lane;
  const server = scene.server(api);
  const correlationId = newCorrelationId();
  const payload = `00c0ffee${number.toString(16).padStart(4, '0')}`;
  await sendDownlink(scene.broker, { deviceId, fPort: 10 + number, payload, correlationId, confirmed: story.confirmed }, form);
  await scene.statuses.until(correlationId, 'submitted');
  const arrival = server.taken().find((one) => one.devEui === deviceId && one.payload === payload);
  t.match(arrival, { fPort: 10 + number, confirmed: story.confirmed, flush: false }, 'what the network server got');
  if (arrival === undefined) return;
  for (const [index, name] of story.reports.entries()) {
    const webhook = reportsOf[api].of[name];
    if (webhook === undefined) throw new Error(`${api} has no report ${name}`);
    const before = scene.statuses.of(correlationId).length;
    await report(bridge, server.id, webhook(arrival));
    await scene.statuses.untilAny(`the status of report ${name} of ${correlationId}`, () => scene.statuses.of(correlationId).length > before);
    if (index === story.reports.length - 1) t.match(scene.statuses.of(correlationId).at(-1), story.cause === undefined ? {} : { cause: story.cause }, `cause of ${name}`);
  }
  t.strictSame(scene.statuses.states(correlationId), story.states, `states after ${story.reports.join(', ')}`);
  expectStatuses(t, lane, correlationId, server.id);
};

const sigfoxEnds = [[0, 'acknowledged', undefined], [1, 'failed', 'NO_ANSWER'], [3, 'failed', 'OVERRUN_ERROR']] as const;

const tellSigfoxStories = async (t: Test, lane: Lane): Promise<void> => {
  const { scene, bridge, form, deviceId } = lane;
  const device = deviceId.toUpperCase();
  t.equal((await postData(bridge, sigfoxMessage(device))).status, 204);
  for (const [infoCode, state, code] of sigfoxEnds) {
    const correlationId = newCorrelationId();
    const payload = `0102030405060${infoCode}ff`;
    await sendDownlink(scene.broker, { deviceId, payload, correlationId }, form);
    await scene.statuses.until(correlationId, 'queued');
    t.equal(downlinkOf(await postBidir(bridge, sigfoxMessage(device)), device), payload, 'the answer of the callback');
    await scene.statuses.until(correlationId, 'submitted');
    t.equal((await postAcknowledge(bridge, device, infoCode)).status, 204);
    const last = await scene.statuses.until(correlationId, state);
    if (code !== undefined) t.match(last.cause, { code });
    t.strictSame(scene.statuses.states(correlationId), ['queued', 'submitted', state]);
    expectStatuses(t, lane, correlationId, 'sigfox');
  }
};

onBothQueues('every state of every network server, from every form', async (t: Test, queue: QueueKind) => {
  const scene = await setDownlinkScene(t, { queue, servers: everyServer });
  const bridge = await startBridge(t, scene.home);
  const tests: Promise<unknown>[] = [];
  for (const [formIndex, form] of downlinkForms.entries()) {
    for (const [apiIndex, api] of downlinkApis.entries()) {
      const lane = { scene, bridge, form, deviceId: deviceOf(formIndex * 16 + apiIndex, 'da') };
      tests.push(t.test(`${api}, form ${form}`, async (t) => {
        await hear(bridge, scene.server(api), lane.deviceId);
        for (const [index, story] of stories[api].entries()) await tellStory(t, lane, { api, story, number: index });
      }));
    }
    const lane = { scene, bridge, form, deviceId: `2c30e${formIndex}` };
    tests.push(t.test(`sigfox, form ${form}`, (t) => tellSigfoxStories(t, lane)));
  }
  await Promise.all(tests);
  expectNoViolations(t, scene, downlinkApis);
  t.equal(await bridge.stop(), 0);
});

/** One downlink in each form to a device of each network server; their correlation ids. */
const sendToEach = async ({ scene, bridge }: Pick<Lane, 'scene' | 'bridge'>, family: string, payload: string): Promise<readonly string[]> => {
  const ids: string[] = [];
  for (const [formIndex, form] of downlinkForms.entries()) {
    for (const [apiIndex, api] of downlinkApis.entries()) {
      const deviceId = deviceOf(formIndex * 16 + apiIndex, family);
      const correlationId = newCorrelationId();
      await hear(bridge, scene.server(api), deviceId);
      await sendDownlink(scene.broker, { deviceId, fPort: 3, payload, correlationId }, form);
      ids.push(correlationId);
    }
  }
  return ids;
};

onBothQueues('what a network server refuses fails, what none takes in time expires', async (t: Test, queue: QueueKind) => {
  const scene = await setDownlinkScene(t, { queue, servers: everyServer, configuration: { downlinkValidity: '3s' } });
  const bridge = await startBridge(t, scene.home);
  for (const api of downlinkApis) scene.server(api).behave({ do: 'refuse', status: 400, text: 'this will never do' });
  for (const correlationId of await sendToEach({ scene, bridge }, 'db', '0a0b')) {
    const status = await scene.statuses.until(correlationId, 'failed');
    t.match(JSON.stringify(status.cause), /this will never do/, 'the words of the network server');
    t.strictSame(scene.statuses.states(correlationId), ['queued', 'failed']);
  }
  for (const api of downlinkApis) scene.server(api).behave({ do: 'refuse', status: 500 });
  const late = [...await sendToEach({ scene, bridge }, 'dc', '0c0d')];
  for (const [index, form] of downlinkForms.entries()) {
    const deviceId = `2c30f${index}`;
    const correlationId = newCorrelationId();
    t.equal((await postData(bridge, sigfoxMessage(deviceId.toUpperCase()))).status, 204);
    await sendDownlink(scene.broker, { deviceId, payload: '0102030405060708', correlationId }, form);
    late.push(correlationId);
  }
  for (const correlationId of late) {
    await scene.statuses.until(correlationId, 'expired');
    t.strictSame(scene.statuses.states(correlationId), ['queued', 'expired']);
  }
  for (const api of downlinkApis) t.equal(scene.server(api).taken().length, 0, `${api} took nothing`);
  t.equal(downlinkOf(await postBidir(bridge, sigfoxMessage('2C30F0')), '2C30F0'), undefined, 'an expired downlink answers no callback');
  expectNoViolations(t, scene, downlinkApis);
  await expectNoSecrets(t, scene, bridge);
  t.equal(await bridge.stop(), 0);
});

void t.test('a report about a downlink that the bridge does not know is published as it is', async (t) => {
  const scene = await setDownlinkScene(t, { queue: 'local', servers: everyServer });
  const bridge = await startBridge(t, scene.home);
  const stranger = { at: 0, status: 200, fPort: 4, payload: '01', confirmed: true, flush: false, fCnt: 77 };
  for (const [index, api] of downlinkApis.entries()) {
    const devEui = deviceOf(index, 'dd');
    const webhook = reportsOf[api].of.sent?.({ ...stranger, devEui, id: '5d0c8f3e-0d3f-4b45-9d5e-7b1f6a3c2e10', correlationIds: ['5C01D200AABB0017'] });
    if (webhook === undefined) throw new Error(`${api} has no report sent`);
    await report(bridge, api, webhook);
    const status = await scene.statuses.untilAny(`the report of ${api}`, ({ deviceId }) => deviceId === devEui);
    t.match(status, { state: 'sent', event: String, networkServer: { id: api } }, api);
    t.strictSame([status.downlinkId, status.correlationId], [undefined, undefined], 'it is not said to be one of ours');
    if (api === 'chirpstack') t.match(status.correlationIds, ['5d0c8f3e-0d3f-4b45-9d5e-7b1f6a3c2e10']);
  }
  t.equal((await postAcknowledge(bridge, '2C30AA', 0)).status, 204);
  const status = await scene.statuses.untilAny('the report of sigfox', ({ deviceId }) => deviceId === '2c30aa');
  t.strictSame([status.state, status.downlinkId], ['acknowledged', undefined]);
  t.equal(await bridge.stop(), 0);
});
