import t from 'tap';
import { createCredentials, type AwsCredentials } from '../../src/aws/credentials.js';
import type { Endpoint } from '../../src/aws/endpoint.js';
import { startSandbox } from '../sandbox/support/harness.js';
import { until } from '../support/until.js';
import { startConnection } from './support/connection.js';
import { signedEndpointOf } from './support/signed-endpoint.js';
import { endpointOf, startSubscriber } from './support/subscriber.js';

type Test = Parameters<typeof startSandbox>[0];

const start = async (t: Test, options: Parameters<typeof startSandbox>[1] = {}) => {
  const { sandbox, address } = await startSandbox(t, { wssPort: 0, ...options });
  return { sandbox, address, endpoint: signedEndpointOf(address) };
};

/** The endpoint with credentials that the test hands out one by one. */
const withCredentials = (endpoint: Endpoint, credentials: () => Promise<AwsCredentials>): Endpoint => ({ ...endpoint, auth: { kind: 'sigv4', region: 'eu-west-1', credentials } });

for (const version of [4, 5] as const) {
  const name = `MQTT ${version === 5 ? '5' : '3.1.1'}`;

  void t.test(`${name}: uplinks and downlinks over WebSocket, small and large`, async (t) => {
    const { sandbox, endpoint } = await start(t, { limits: { publishesPerSecond: 0, bytesPerSecond: 0, storedPerSecond: 0 } });
    const arrived: number[] = [];
    sandbox.onPublish(({ payload }) => void arrived.push(payload.length));
    const uplinks = startConnection(t, { endpoint, version, publishesPerSecondPerClient: 0 });
    const sizes = [0, 1, 100, 65_535, 65_536, 130_000, ...Array.from({ length: 200 }, () => 20)];
    for (const size of sizes) await uplinks.publish('up/a', 'x'.repeat(size));
    await uplinks.acknowledged(sizes.length);
    t.same(arrived, sizes);
    const downlinks = startSubscriber(t, { endpoint, version });
    await downlinks.is('opened');
    for (const payload of ['1', '2', 'y'.repeat(100_000)]) sandbox.publish({ topic: 'down/a', payload });
    await downlinks.has(3);
    t.same(downlinks.stored.map(({ length }) => length), [1, 1, 100_000]);
    await uplinks.stop();
    await downlinks.stop();
    t.match(uplinks.connection.status(), { state: 'closed' });
  });

  void t.test(`${name}: the network away and back, a broker that closes, an IAM policy that does not allow CONNECT`, async (t) => {
    const { sandbox, endpoint } = await start(t);
    const test = startConnection(t, { endpoint, version });
    await test.is('opened');
    await sandbox.cut();
    await test.is('unreachable', 'endpoint_unreachable');
    await sandbox.restore();
    await test.is('opened');
    sandbox.setIamPolicy({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'iot:Publish', Resource: '*' }] });
    sandbox.disconnect('bridge-0-c1-1');
    await test.is('authentication_failed', 'connect_refused');
    sandbox.setIamPolicy({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }] });
    await test.is('opened');
    await test.publish('up/a');
    await test.acknowledged(1);
  });
}

void t.test('each connect is signed anew, with the credentials of that moment', async (t) => {
  const { sandbox, address, endpoint } = await start(t);
  let secretAccessKey = 'wrong';
  let asked = 0;
  const test = startConnection(t, {
    endpoint: withCredentials(endpoint, async () => {
      asked += 1;
      return { accessKeyId: address.accessKeyId, secretAccessKey };
    }),
  });
  await test.is('authentication_failed', 'connect_refused');
  t.match(test.connection.status().detail, /HTTP 403: the AWS credentials were refused/);
  ({ secretAccessKey } = address);
  await test.is('opened');
  const before = asked;
  sandbox.disconnect('bridge-0-c1-1');
  await until('again', () => test.connection.status().connects === 2);
  t.ok(asked > before);
  t.notOk(JSON.stringify([test.log, test.statuses]).includes(address.secretAccessKey));
});

void t.test('temporary credentials of a role', async (t) => {
  const { address, endpoint } = await start(t, { apiPort: 0, externalId: 'customer-1' });
  const { accessKeyId, secretAccessKey, api } = address;
  const credentials = createCredentials({
    region: 'eu-west-1',
    from: { kind: 'access-key', accessKeyId, secretAccessKey },
    assumeRole: { roleArn: 'arn:aws:iam::000000000000:role/bridge', externalId: 'customer-1', sessionName: 'lpwan-bridge', endpoint: `http://127.0.0.1:${api?.port}` },
  });
  t.type((await credentials()).sessionToken, 'string');
  const test = startConnection(t, { endpoint: withCredentials(endpoint, credentials) });
  await test.publish('up/a');
  await test.acknowledged(1);
});

void t.test('credentials that are missing, or never come', async (t) => {
  const { sandbox, endpoint } = await start(t);
  const missing = startConnection(t, { endpoint: withCredentials(endpoint, () => Promise.reject(new Error('no chain'))) });
  await missing.is('authentication_failed', 'aws_credentials_missing');
  const hanging = startConnection(t, { endpoint: withCredentials(endpoint, () => new Promise(() => undefined)), connectTimeoutMs: 200 });
  await hanging.is('unreachable', 'connect_timeout');
  t.equal(sandbox.stats().sessionsOpened, 0);
});

void t.test('a server that is not trusted, that knows no WebSocket, and one that falls silent', async (t) => {
  const { sandbox, address, endpoint } = await start(t);
  const { ca: _ca, ...untrusted } = endpoint;
  const test = startConnection(t, { endpoint: untrusted });
  await test.is('unreachable', 'tls_failed');
  const mqtt = startConnection(t, { endpoint: { ...endpoint, port: address.port } });
  await until('a failure', () => mqtt.connection.status().lastError !== undefined);
  t.equal(mqtt.connection.status().sessions, 0);
  const silent = startConnection(t, { endpoint, connectTimeoutMs: 300, publishTimeoutMs: 300 });
  await silent.is('opened');
  sandbox.blackhole();
  await silent.publish('up/a');
  await silent.is('unreachable', 'connect_timeout');
  await sandbox.restore();
  await silent.acknowledged(1);
});

void t.test('from certificate to WebSocket and back', async (t) => {
  const { address, endpoint } = await start(t);
  const byCertificate = endpointOf(address.port, address);
  const test = startConnection(t, { endpoint: byCertificate });
  await test.is('opened');
  await test.connection.replace({ ...test.options, endpoint });
  await test.is('opened');
  await test.publish('up/a');
  await test.connection.replace({ ...test.options, endpoint: byCertificate });
  await test.is('opened');
  await test.publish('up/a');
  await test.acknowledged(2);
});
