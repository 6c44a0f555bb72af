import { createServer, type AddressInfo } from 'node:net';
import t from 'tap';
import { checkMqtt, type CheckMqttOptions } from '../../../src/aws/check/check-mqtt.js';
import type { CheckStep } from '../../../src/api/ports.js';
import type { Endpoint } from '../../../src/aws/endpoint.js';
import { leastPolicies, type PolicyDocument, type PolicyOptions } from '../../../src/aws/policies.js';
import { startSandbox } from '../../sandbox/support/harness.js';
import { startConnection } from '../support/connection.js';
import { signedEndpointOf } from '../support/signed-endpoint.js';
import { endpointOf, startSubscriber } from '../support/subscriber.js';
import { createTestCertificates } from '../../support/certificates.js';

type Test = Parameters<typeof startSandbox>[0];

const never = new AbortController().signal;
const place = { region: 'eu-west-1', account: '123456789012' };
const arn = (resource: string): string => `arn:aws:iot:eu-west-1:123456789012:${resource}`;
const clientIdPrefix = 'lpwan-bridge-0-c1';
const uplinkPattern = 'up/{DevEUI}';
const probeTopic = 'up/LPWANBRIDGEPROBE';

const policyOptions: PolicyOptions = { place, auth: 'certificate', clientIdPrefix, uplinkPattern, otherPatterns: [], downlinks: { filter: 'down/+' } };

const start = async (t: Test, options: Parameters<typeof startSandbox>[1] = {}) => {
  const { sandbox, address } = await startSandbox(t, { wssPort: 0, ...options });
  return { sandbox, address, endpoint: endpointOf(address.port, address) };
};

const check = (endpoint: Endpoint, options: Partial<CheckMqttOptions> = {}, signal = never): Promise<CheckStep[]> =>
  checkMqtt({ endpoint, clientIdPrefix, version: 5, timeoutMs: 1_500, uplinkPattern, downlinkFilter: 'down/+', place, ...options }, signal);

const results = (steps: readonly CheckStep[]): Record<string, string> => Object.fromEntries(steps.map(({ step, result }) => [step, result]));
const named = (steps: readonly CheckStep[]): CheckStep['missing'][] => steps.flatMap(({ missing }) => (missing === undefined ? [] : [missing]));

/** A policy without one of its actions. */
const without = (document: PolicyDocument | undefined, action: string): unknown => ({ ...document, Statement: document?.Statement.filter(({ Action }) => Action !== action) });

const allOk = { dns: 'ok', tcp: 'ok', tls: 'ok', 'mqtt connect': 'ok', subscribe: 'ok', publish: 'ok', receive: 'ok' };
const rows = [
  { action: 'iot:Connect', missing: arn(`client/${clientIdPrefix}-*`), results: { ...allOk, 'mqtt connect': 'failed', subscribe: 'skipped', publish: 'skipped', receive: 'skipped' } },
  { action: 'iot:Publish', missing: arn(`topic/${probeTopic}`), results: { ...allOk, publish: 'failed', receive: 'skipped' } },
  { action: 'iot:Subscribe', missing: arn('topicfilter/down/+'), results: { ...allOk, subscribe: 'failed', receive: 'skipped' } },
  { action: 'iot:Receive', missing: arn(`topic/${probeTopic}`), results: { ...allOk, receive: 'skipped' } },
];

for (const version of [4, 5] as const) {
  const name = `MQTT ${version === 5 ? '5' : '3.1.1'}`;

  void t.test(`${name}: what is printed as the least policy suffices, for the check and for the bridge's own sessions`, async (t) => {
    const { iot } = leastPolicies(policyOptions);
    const { sandbox, endpoint } = await start(t, { policy: iot });
    const steps = await check(endpoint, { version });
    t.strictSame(results(steps), allOk);
    t.ok(steps.every(({ durationMs }) => durationMs >= 0));
    const uplinks = startConnection(t, { endpoint, version, clientIdPrefix });
    await uplinks.publish('up/0102030405060708');
    await uplinks.acknowledged(1);
    const downlinks = startSubscriber(t, { endpoint, version, clientId: `${clientIdPrefix}-downlinks` });
    await downlinks.is('opened');
    sandbox.publish({ topic: 'down/a', payload: '1' });
    await downlinks.has(1);
  });

  for (const { action, missing, results: expected } of rows) {
    void t.test(`${name}: without ${action} the check names it`, async (t) => {
      const { endpoint } = await start(t, { policy: without(leastPolicies(policyOptions).iot, action) });
      const steps = await check(endpoint, { version });
      t.strictSame(results(steps), expected);
      t.strictSame(named(steps)[0], { policy: 'iot', action, resource: missing });
      t.ok(named(steps).every((one) => one?.action === action), 'and no other');
    });

    void t.test(`${name} over WebSocket: the IAM policy suffices, and without ${action} the check names it`, async (t) => {
      const { sandbox, address } = await start(t);
      const { iam, iot } = leastPolicies({ ...policyOptions, auth: 'sigv4' });
      t.equal(iot, undefined);
      sandbox.setIamPolicy(iam);
      t.strictSame(results(await check(signedEndpointOf(address), { version })), { ...allOk, websocket: 'ok' });
      sandbox.setIamPolicy(without(iam, action));
      const steps = await check(signedEndpointOf(address), { version });
      t.strictSame(results(steps), { ...expected, websocket: 'ok' });
      t.strictSame(named(steps)[0], { policy: 'iam', action, resource: missing });
    });
  }
}

void t.test('a policy without the probe topic: uplinks are fine, what is missing is told and is no failure', async (t) => {
  const { endpoint } = await start(t, { policy: leastPolicies({ ...policyOptions, check: false }).iot });
  const steps = await check(endpoint);
  t.strictSame(results(steps), { ...allOk, receive: 'skipped' });
  t.strictSame(named(steps), [{ policy: 'iot', action: 'iot:Subscribe', resource: arn(`topicfilter/${probeTopic}`) }]);
});

void t.test('a connection without downlinks, one with Basic Ingest, and one whose account is not known', async (t) => {
  const { endpoint } = await start(t);
  t.strictSame(results(await check(endpoint, { downlinkFilter: undefined })), { ...allOk, subscribe: 'skipped' });
  t.strictSame(results(await check(endpoint, { uplinkPattern: '$aws/rules/lora/{DevEUI}' })), { ...allOk, receive: 'skipped' });
  const denied = await start(t, { policy: without(leastPolicies(policyOptions).iot, 'iot:Publish') });
  t.match(named(await check(denied.endpoint, { place: {} })), [{ resource: `arn:aws:iot:*:*:topic/${probeTopic}` }]);
});

void t.test('certificates: inactive, unknown, expired, each with its own words', async (t) => {
  const { sandbox, endpoint } = await start(t);
  const stopped = { dns: 'ok', tcp: 'ok', tls: 'failed', 'mqtt connect': 'skipped', subscribe: 'skipped', publish: 'skipped', receive: 'skipped' };
  const withCertificate = (certificate: string, privateKey: string): Endpoint => ({ ...endpoint, auth: { kind: 'certificate', certificate, privateKey } });
  const unknown = await sandbox.createCertificate('unknown', { register: false });
  const made = await createTestCertificates();
  sandbox.setCertificateStatus('INACTIVE');
  const given = [
    { endpoint, words: /not registered in this account and region, or not active/ },
    { endpoint: withCertificate(unknown.certificate, unknown.privateKey), words: /not registered in this account and region, or not active/ },
    { endpoint: withCertificate(made.expired, made.key), words: /expired on/ },
    { endpoint: withCertificate(made.future, made.key), words: /valid only from/ },
  ];
  for (const { endpoint: to, words } of given) {
    const steps = await check(to);
    t.strictSame(results(steps), stopped);
    t.match(steps[2], { reason: 'certificate_refused', detail: words });
    t.strictSame(named(steps), []);
  }
});

void t.test('the server: another CA, another name, no TLS, nobody, no such name, no answer', async (t) => {
  const { sandbox, address, endpoint } = await start(t);
  const made = await createTestCertificates();
  const plain = createServer((socket) => socket.on('error', () => undefined).on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void plain.close());
  const given = [
    { endpoint: { ...endpoint, ca: [made.ca] }, step: 2, reason: 'tls_failed', detail: /does not chain to the trusted roots/ },
    { endpoint: { ...endpoint, host: '127.0.0.2', port: address.port }, step: 1, reason: 'endpoint_unreachable', detail: /./ },
    { endpoint: { ...endpoint, host: '127.0.0.1', port: (plain.address() as AddressInfo).port }, step: 2, reason: 'tls_failed', detail: /does not speak TLS/ },
    { endpoint: { ...endpoint, port: 1 }, step: 1, reason: 'endpoint_unreachable', detail: /ECONNREFUSED/ },
    { endpoint: { ...endpoint, host: `${'x'.repeat(64)}.localhost` }, step: 0, reason: 'dns_failed', detail: /x.localhost/ },
  ];
  for (const { endpoint: to, step, reason, detail } of given) {
    const steps = await check(to);
    t.match(steps[step], { result: 'failed', reason, detail });
    t.ok(steps.slice(step + 1).every(({ result }) => result === 'skipped'));
  }
  sandbox.blackhole();
  const silent = await check(endpoint, { timeoutMs: 300 });
  t.match(silent[2], { result: 'failed', reason: 'connect_timeout', detail: 'the TLS handshake was not answered within 300 ms' });
  await sandbox.restore();
});

void t.test('a server certificate for another name', async (t) => {
  const { sandbox, address, endpoint } = await start(t, { host: '0.0.0.0' });
  t.ok(sandbox);
  const steps = await check({ ...endpoint, host: '127.0.0.2', port: address.port });
  t.match(steps[2], { result: 'failed', reason: 'tls_failed', detail: /not for this host name/ });
});

void t.test('refusals that are about no permission name none', async (t) => {
  const { sandbox, endpoint } = await start(t);
  sandbox.misbehave([{ action: 'refuse-connect', reasonCode: 0x97 }]);
  const busy = await check(endpoint);
  t.match(busy[3], { step: 'mqtt connect', result: 'failed', reason: 'connect_refused' });
  sandbox.misbehave([{ action: 'refuse-publish', reasonCode: 0x97 }]);
  const throttled = await check(endpoint);
  t.match(throttled[5], { step: 'publish', result: 'failed', reason: 'publish_refused', detail: /0x97/ });
  sandbox.misbehave([{ action: 'withhold-puback' }]);
  const silent = await check(endpoint, { timeoutMs: 500 });
  t.match(silent[5], { step: 'publish', result: 'failed', reason: 'publish_timeout' });
  t.strictSame([busy, throttled, silent].flatMap(named), []);
});

void t.test('credentials: a wrong secret, none at all', async (t) => {
  const { address } = await start(t);
  const wrong = await check(signedEndpointOf({ ...address, secretAccessKey: 'wrong' }));
  t.match(wrong[3], { step: 'websocket', result: 'failed', reason: 'connect_refused', detail: /HTTP 403: the AWS credentials were refused/ });
  const endpoint = signedEndpointOf(address);
  const none = await check({ ...endpoint, auth: { kind: 'sigv4', region: 'eu-west-1', credentials: () => Promise.reject(new Error('nobody gave any')) } });
  t.match(none[3], { step: 'websocket', result: 'failed', reason: 'aws_credentials_missing', detail: 'nobody gave any' });
  t.notOk(JSON.stringify([wrong, none]).includes(address.secretAccessKey));
});

void t.test('a check that is called off', async (t) => {
  const { sandbox, endpoint } = await start(t);
  sandbox.blackhole();
  const aborter = new AbortController();
  const steps = check(endpoint, {}, aborter.signal);
  setImmediate(() => aborter.abort());
  t.ok((await steps).some(({ result }) => result !== 'ok'));
  await sandbox.restore();
  t.ok((await check(endpoint, {}, AbortSignal.abort())).every(({ result }) => result === 'skipped'));
});

void t.test('downlinks of a shared subscription are not taken from the bridge by a check', async (t) => {
  const { sandbox, endpoint } = await start(t);
  const bridge = startSubscriber(t, { endpoint, shareName: 'bridge', clientId: `${clientIdPrefix}-downlinks` });
  await bridge.is('opened');
  const checking = check(endpoint);
  for (let number = 0; number < 50; number += 1) sandbox.publish({ topic: 'down/a', payload: String(number) });
  t.strictSame(results(await checking), allOk);
  await bridge.has(50);
});
