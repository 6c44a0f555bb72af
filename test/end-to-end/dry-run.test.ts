/** The dry run names what is missing, for each refusal that the sandbox can be told to make. */
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { policyCommand } from '../../src/cli/policy.js';
import { createTestCertificates } from '../support/certificates.js';
import { runCommand, type CommandResult } from '../support/run-command.js';
import { until } from '../support/until.js';
import { runBuilt } from './support/command-line.js';
import { allowing, checkAsJson, checkAsText, dryRun, missingIn, resultsOf, urlOf, type DryRun } from './support/dry-run.js';
import { make, portOf, postUplink, seedConnection, setLiveScene, untilState, type LiveScene, type SandboxPlaces } from './support/live-scene.js';

const versions = ['5', '3.1.1'] as const;
const devEui = '0018b20000000001';

const ids = ['filed', 'made'] as const;

/** A connection in the file, and one that only the API knows; neither runs, so that only the dry run asks for anything. */
const setScene = async (t: Test): Promise<LiveScene> => {
  const declared = (at: SandboxPlaces): object => ({
    connections: [seedConnection(at, { mqttVersion: '3.1.1', connectTimeout: '3s' }, { id: 'filed', active: false })],
    flows: [{ id: 'all', connections: ['filed'] }],
  });
  const scene = await setLiveScene(t, { file: declared });
  await make(scene.bridge, '/connections', seedConnection(scene, { connectTimeout: '3s' }, { id: 'made', active: false }));
  return scene;
};

const iotActions = ['iot:Connect', 'iot:Publish', 'iot:Subscribe', 'iot:Receive'];

const iotRows = [
  { action: 'iot:Connect', step: 'mqtt connect', result: 'failed', resource: (id: string) => `client/lpwan-bridge-check-${id}-*` },
  { action: 'iot:Publish', step: 'publish', result: 'failed', resource: () => 'topic/tpx/things/LPWANBRIDGEPROBE/uplink' },
  { action: 'iot:Subscribe', step: 'subscribe', result: 'failed', resource: () => 'topicfilter/tpx/things/+/downlink' },
  // The bridge publishes without it; only downlinks need it, and only one of them could show it for their own topics.
  { action: 'iot:Receive', step: 'receive', result: 'skipped', resource: () => 'topic/tpx/things/LPWANBRIDGEPROBE/uplink' },
] as const;

const iamActions = ['DescribeEndpoint', 'DescribeThingType', 'CreateThingType', 'CreateThing', 'DescribeThing', 'AttachThingPrincipal', 'DetachThingPrincipal', 'DeleteThing', 'DescribeCertificate', 'ListThings'].map((name) => `iot:${name}`);

const iamRows = [
  { action: 'iot:DescribeEndpoint', step: 'describe endpoint', resource: /^\*$/ },
  { action: 'iot:DescribeThingType', step: 'thing type', resource: /:thingtype\/lorawan-device$/ },
  { action: 'iot:CreateThing', step: 'create thing', resource: /:thing\/lpwan-bridge-probe-[0-9a-f]+$/ },
  { action: 'iot:DescribeThing', step: 'describe thing', resource: /:thing\/lpwan-bridge-probe-[0-9a-f]+$/ },
  { action: 'iot:AttachThingPrincipal', step: 'attach principal', resource: /:cert\/[0-9a-f]{64}$/ },
  { action: 'iot:DetachThingPrincipal', step: 'detach principal', resource: /:cert\/[0-9a-f]{64}$/ },
  { action: 'iot:DeleteThing', step: 'delete thing', resource: /:thing\/lpwan-bridge-probe-[0-9a-f]+$/ },
] as const;

const step = (name: string, { steps }: DryRun) => steps.find((one) => one.step === name);

void t.test('refusals of the broker and of the registry are named', async (t) => {
  const scene = await setScene(t);
  const { broker } = scene;
  const account = String(broker.address['certificateArn']).replace(/cert\/.*$/, '');
  const whole = allowing(['iot:*', 'sts:*']);

  for (const { action, step: name, result, resource } of iotRows) {
    await t.test(`the certificate's policy lacks ${action}`, async (t) => {
      await broker.control({ do: 'policy', document: allowing(iotActions.filter((one) => one !== action)) });
      const expect = (what: string, run: DryRun, id: string): void => {
        t.match(step(name, run), { result, missing: { policy: 'iot', action, resource: `${account}${resource(id)}` } }, what);
        t.ok(missingIn(run).every((one) => one.action === action), `${what}: and nothing else`);
        t.equal(run.ok, result !== 'failed', what);
      };
      const [runs, checks] = await Promise.all([Promise.all(versions.map((version) => dryRun(scene, { mqttVersion: version }))), Promise.all(ids.map((id) => checkAsJson(scene, id)))]);
      for (const [index, run] of runs.entries()) expect(`dryRun, MQTT ${versions[index] ?? ''}`, run, 'dry');
      for (const [index, run] of checks.entries()) expect(`check ${ids[index] ?? ''}`, run, ids[index] ?? '');
      t.ok(checks.every(({ code }) => code === (result === 'failed' ? 1 : 0)));
    });
  }

  await t.test('the text of the command names it too, for the connection in the file and for the other', async (t) => {
    await broker.control({ do: 'policy', document: allowing(['iot:Connect', 'iot:Subscribe', 'iot:Receive']) });
    for (const { code, stdout } of await Promise.all(ids.map((id) => checkAsText(scene, id)))) {
      t.equal(code, 1);
      t.match(stdout, `missing in the IoT policy: iot:Publish on ${account}topic/tpx/things/LPWANBRIDGEPROBE/uplink\n`);
      t.match(stdout, /^publish +failed +\d+ ms {2}publish_forbidden: /m);
    }
  });
  await broker.control({ do: 'policy', document: allowing(['iot:*']) });

  for (const { action, step: name, resource } of iamRows) {
    await t.test(`the IAM policy lacks ${action}`, async (t) => {
      await broker.control({ do: 'iam-policy', document: allowing(iamActions.filter((one) => one !== action)) });
      const runs = await Promise.all([dryRun(scene), ...ids.map((id) => checkAsJson(scene, id))]);
      for (const run of runs) {
        t.match(step(name, run), { result: 'failed', reason: 'registry_forbidden', missing: { policy: 'iam', action, resource } });
        t.strictSame(missingIn(run).map((one) => one.action), [action], 'and nothing else');
        t.equal(run.ok, false);
      }
    });
  }

  await t.test('the IAM policy lacks what finds the certificate or assumes the role', async (t) => {
    await broker.control({ do: 'iam-policy', document: allowing(iamActions.filter((one) => one !== 'iot:DescribeCertificate')) });
    t.match(step('find certificate', await dryRun(scene, { certificateId: '' })), { result: 'failed', missing: { policy: 'iam', action: 'iot:DescribeCertificate', resource: /:cert\/[0-9a-f]{64}$/ } });
    const roleArn = 'arn:aws:iam::123456789012:role/lpwan-bridge';
    await broker.control({ do: 'iam-policy', document: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }, { Effect: 'Deny', Action: 'sts:AssumeRole', Resource: roleArn }] } });
    t.match(step('aws credentials', await dryRun(scene, { assumeRole: { roleArn, endpoint: scene.registry } })), { result: 'failed', missing: { policy: 'iam', action: 'sts:AssumeRole', resource: roleArn } });
    await broker.control({ do: 'iam-policy', document: whole });
    t.match(step('aws credentials', await dryRun(scene, { assumeRole: { roleArn, endpoint: scene.registry } })), { result: 'ok' });
  });

  for (const { action, step: name, result, resource } of iotRows) {
    await t.test(`over WebSocket the IAM policy lacks ${action}`, async (t) => {
      await broker.control({ do: 'iam-policy', document: allowing([...iamActions, ...iotActions.filter((one) => one !== action)]) });
      const run = await dryRun(scene, { protocol: 'WSS', endpoint: `localhost:${portOf(broker, 'wss')}` });
      t.match(step(name, run), { result, missing: { policy: 'iam', action, resource: `${account}${resource('dry')}` } });
    });
  }
});

void t.test('a thing type that may not be made: the dry run tells what the first device will need, and the connection names it', async (t) => {
  const scene = await setLiveScene(t);
  await scene.broker.control({ do: 'iam-policy', document: allowing(iamActions.filter((one) => one !== 'iot:CreateThingType')) });
  t.match(step('thing type', await dryRun(scene)), { result: 'ok', detail: /lorawan-device does not exist.*iot:CreateThingType/ });
  await make(scene.bridge, '/connections', seedConnection(scene, {}, { id: 'typed' }));
  await untilState(scene.bridge, 'typed', 'OPENED');
  t.equal(await postUplink(scene.bridge, { devEui, fCnt: 1 }), 204);
  const failing = async (): Promise<unknown> => ((await scene.bridge.api('GET', '/connections/typed')).json['things'] as { readonly failing?: unknown }).failing;
  await until('the refusal', async () => (await failing()) !== undefined);
  t.match(await failing(), { reason: 'registry_forbidden', detail: /iot:CreateThingType on .*:thingtype\/lorawan-device/ });
});

interface Printed {
  readonly iot?: object;
  readonly iam?: object;
}

/** Puts what the command printed where AWS has it. */
const install = async ({ broker }: LiveScene, { iot, iam }: Printed): Promise<void> => {
  if (iot !== undefined) await broker.control({ do: 'policy', document: iot });
  if (iam !== undefined) await broker.control({ do: 'iam-policy', document: iam });
};

type RunPolicy = (args: readonly string[]) => Promise<CommandResult>;

const printedFor = async (scene: LiveScene, id: string, run: RunPolicy = (args) => runCommand(policyCommand, args)): Promise<Printed> => {
  const { code, stdout, stderr } = await run([id, '--config', scene.home.file, '--url', urlOf(scene)]);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Printed;
};

const allOk = (run: DryRun): boolean => run.ok && run.steps.every(({ result }) => result === 'ok');

/** An uplink that arrives with its thing, and a downlink that is answered with a status. */
const carriesBothWays = async (t: Test, { bridge, broker }: LiveScene, id: string): Promise<void> => {
  await untilState(bridge, id, 'OPENED');
  const uplinks = `tpx/things/${devEui.toUpperCase()}/uplink`;
  const seen = broker.received.all.length;
  t.equal(await postUplink(bridge, { devEui, fCnt: seen + 1 }), 204);
  await broker.received.until('the uplink', (all) => all.slice(seen).some(({ topic }) => topic === uplinks), 20_000);
  await until('the thing', async () => JSON.stringify((await bridge.api('GET', `/devices/${devEui}`)).json['things']).includes('ready'));
  await broker.publish([{ topic: `tpx/things/${devEui.toUpperCase()}/downlink`, payload: JSON.stringify({ DevEUI_downlink: { DevEUI: devEui, FPort: '1', payload_hex: '00', CorrelationID: `for-${id}` } }) }]);
  await broker.received.until('the status of the downlink', (all) => all.some(({ payload }) => payload.includes(`for-${id}`)), 20_000);
};

void t.test('the policies that are printed suffice, and hold nothing for others', async (t) => {
  const scene = await setScene(t);
  const { bridge, broker } = scene;
  for (const id of ids) {
    const printed = await printedFor(scene, id, (args) => runBuilt(['policy', ...args]));
    await install(scene, printed);
    const run = await checkAsJson(scene, id);
    t.ok(allOk(run), `check ${id} passes wholly: ${JSON.stringify(resultsOf(run))}`);
    t.notMatch(JSON.stringify(printed.iot), /"iot:\*"|"Resource":"\*"/);
    const other = await checkAsJson(scene, id === 'filed' ? 'made' : 'filed');
    t.match(missingIn(other)[0], { policy: 'iot', action: 'iot:Connect' }, 'another connection may not come in with it');
  }
  await broker.control({ do: 'policy', document: allowing(['iot:*']) });
  await make(bridge, '/flows', { id: 'thingpark', networkServers: ['thingpark'], connections: ['made'] });
  const ways = [{ mqttVersion: '5' }, { mqttVersion: '3.1.1' }, { protocol: 'WSS', endpoint: `localhost:${portOf(broker, 'wss')}` }];
  for (const way of ways) {
    await t.test(`traffic with ${JSON.stringify(way)}`, async (t) => {
      t.equal((await bridge.api('PATCH', '/connections/made', { active: false, configuration: way })).status, 200);
      await install(scene, await printedFor(scene, 'made'));
      const run = await checkAsJson(scene, 'made');
      t.ok(allOk(run), JSON.stringify(run.steps.filter(({ result }) => result !== 'ok')));
      t.equal((await bridge.api('PATCH', '/connections/made', { active: true })).status, 200);
      await carriesBothWays(t, scene, 'made');
    });
  }
});

void t.test('what is wrong before any policy is asked', async (t) => {
  const scene = await setScene(t);
  const { broker } = scene;
  const { ca } = await createTestCertificates();
  const expect = (what: string, run: DryRun, failed: string, pattern: object): void => {
    t.match(step(failed, run), { result: 'failed', ...pattern }, what);
    t.equal(run.ok, false);
    t.strictSame(missingIn(run), [], `${what}: no permission is missing`);
    t.equal(step('mqtt connect', run)?.result, 'skipped', `${what}: the rest is not tried`);
  };
  const rows = [
    { what: 'a CA of somebody else', change: { caCertificate: ca }, failed: 'tls', pattern: { reason: 'tls_failed', detail: /does not chain to the trusted roots: is caCertificate the right one/ } },
    { what: 'a wrong port', change: { endpoint: 'localhost:1' }, failed: 'tcp', pattern: { reason: 'endpoint_unreachable', detail: /ECONNREFUSED/ } },
    { what: 'a wrong name', change: { endpoint: 'no-such-name.invalid:8883' }, failed: 'dns', pattern: { reason: 'dns_failed' } },
    { what: 'the port of something else', change: { endpoint: scene.registry.replace('http://', '') }, failed: 'tls', pattern: { reason: 'tls_failed', detail: /does not speak TLS/ } },
  ].flatMap((row) => versions.map((mqttVersion) => ({ ...row, mqttVersion })));
  const runs = await Promise.all(rows.map(({ change, mqttVersion }) => dryRun(scene, { mqttVersion, ...change })));
  for (const [index, { what, failed, pattern, mqttVersion }] of rows.entries()) expect(`${what}, MQTT ${mqttVersion}`, runs[index] ?? { ok: true, steps: [] }, failed, pattern);
  t.match(await dryRun(scene, { registryEndpoint: 'http://127.0.0.1:1' }), { ok: false, steps: [] });
  const wrongKey = await dryRun(scene, { secretAccessKey: 'another-secret-access-key' });
  t.match(step('describe endpoint', wrongKey), { result: 'failed', reason: 'aws_credentials_missing' }, 'a wrong secret access key');
  t.notMatch(JSON.stringify(wrongKey), 'another-secret-access-key');

  await broker.control({ do: 'certificate', status: 'INACTIVE' });
  for (const [index, run] of (await Promise.all(ids.map((id) => checkAsJson(scene, id)))).entries()) expect(`check ${ids[index] ?? ''} with an inactive certificate`, run, 'tls', { reason: 'certificate_refused', detail: /not registered in this account and region, or not active/ });
  await broker.control({ do: 'certificate', status: 'ACTIVE' });

  await broker.blackhole();
  for (const [index, run] of (await Promise.all(ids.map((id) => checkAsJson(scene, id)))).entries()) expect(`check ${ids[index] ?? ''} of a black hole`, run, 'tls', { reason: 'connect_timeout', detail: /was not answered within 3000 ms/ });
  await broker.restore();
  t.ok((await dryRun(scene)).ok);
  const certificate = readFileSync(broker.certificate, 'utf8');
  const pair = await scene.bridge.api('POST', '/connections?dryRun=true', seedConnection(scene, { certificate: ca }, { id: 'pair' }));
  t.match(pair, { status: 400, json: { reason: 'invalid_resource', errors: [{ path: /^configuration\.(certificate|privateKey)$/ }] } }, 'a certificate of another key is no matter of a dry run');
  t.notOk(pair.body.includes(certificate.split('\n')[1] ?? certificate));
});
