import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { createCredentials } from '../../../src/aws/credentials.js';
import { createRegistryClient, type RegistryClient, type RegistryOptions } from '../../../src/aws/things/registry-client.js';
import { createRequestPace } from '../../../src/aws/things/request-pace.js';
import { allowingAll, denying, region, startRegistry } from './support/registry.js';

const clientOf = (t: Test, options: RegistryOptions): RegistryClient => {
  const client = createRegistryClient(options);
  t.teardown(() => client.close());
  return client;
};

void t.test('a refusal names the IAM action and resource in the words of AWS', async (t) => {
  const { sandbox, client, address } = await startRegistry(t);
  sandbox.setIamPolicy(denying('iot:CreateThing', 'iot:ListThings', 'iot:AttachThingPrincipal'));
  await t.rejects(client.createThing({ name: 'a1', attributes: {} }), {
    reason: 'registry_forbidden',
    message: /^iot:CreateThing on arn:aws:iot:sandbox:\d{12}:thing\/a1 is not allowed$/,
    missing: { action: 'iot:CreateThing', resource: /:thing\/a1$/ },
  });
  await t.rejects(client.listThings('a', 'b')[Symbol.asyncIterator]().next(), { name: 'BridgeError', reason: 'registry_forbidden', missing: { action: 'iot:ListThings', resource: '*' } });
  sandbox.setIamPolicy(allowingAll);
  t.equal(await client.createThing({ name: 'a1', attributes: {} }), 'created');
  sandbox.setIamPolicy(denying('iot:AttachThingPrincipal'));
  await t.rejects(client.attachPrincipal('a1', address.certificateArn), { name: 'BridgeError', missing: { action: 'iot:AttachThingPrincipal', resource: address.certificateArn } });
});

void t.test('what AWS does not name comes from the call', async (t) => {
  const server = createHttpServer((_request, response) => void response.writeHead(403, { 'content-type': 'application/json', 'x-amzn-errortype': 'AccessDeniedException' }).end('{"message":null}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = async () => ({ accessKeyId: 'AKIATESTTESTTESTTEST', secretAccessKey: 'x' });
  for (const [where, partition] of [['eu-west-1', 'aws'], ['cn-north-1', 'aws-cn'], ['us-gov-west-1', 'aws-us-gov']] as const) {
    const client = clientOf(t, { region: where, endpoint, credentials, requestsPerSecond: 100 });
    await t.rejects(client.describeThing('a2'), { name: 'BridgeError', reason: 'registry_forbidden', missing: { action: 'iot:DescribeThing', resource: `arn:${partition}:iot:${where}:*:thing/a2` } });
  }
});

void t.test('keys that AWS does not know are no lack of a permission, and stay secret', async (t) => {
  const { options } = await startRegistry(t);
  const secretAccessKey = 'MARKER-wrong-secret-key-000000000000000';
  for (const accessKeyId of ['AKIANOBODY0000000000', (await options.credentials()).accessKeyId]) {
    const client = clientOf(t, { ...options, credentials: createCredentials({ region, from: { kind: 'access-key', accessKeyId, secretAccessKey } }) });
    const failure = (await client.describeThing('a3').catch((error: unknown) => error)) as Error;
    t.match(failure, { reason: 'aws_credentials_missing' });
    t.notMatch(String(failure.stack) + String(failure.cause), secretAccessKey);
  }
  const nobody = clientOf(t, { ...options, credentials: createCredentials({ region, from: { kind: 'access-key', accessKeyId: 'A', secretAccessKey }, assumeRole: { roleArn: 'arn:aws:iam::123456789012:role/x', sessionName: 'b', endpoint: 'http://127.0.0.1:1' } }) });
  await t.rejects(nobody.describeThing('a3'), { name: 'BridgeError', reason: 'aws_credentials_missing' });
});

void t.test('a registry that is away, fails or answers nonsense', async (t) => {
  const { sandbox, client, options } = await startRegistry(t);
  sandbox.misbehaveApi([{ action: 'fail', status: 500, times: 1 }]);
  await t.rejects(client.describeThing('a4'), { reason: 'registry_unreachable', message: /InternalFailure/ });
  sandbox.misbehaveApi([{ action: 'fail', times: 1 }]);
  await t.rejects(client.describeThing('a4'), { reason: 'registry_unreachable', message: /ServiceUnavailable/ });
  await t.rejects(clientOf(t, { ...options, endpoint: 'http://127.0.0.1:1' }).describeThing('a4'), { reason: 'registry_unreachable', message: /ECONNREFUSED/ });
  const server = createHttpServer((_request, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  await t.rejects(clientOf(t, { ...options, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }).describeThing('a4'), { name: 'BridgeError', reason: 'registry_unreachable' });
});

void t.test('a call that AWS will never take is refused with its words', async (t) => {
  const { client } = await startRegistry(t);
  await t.rejects(client.createThing({ name: 'a5', attributes: {}, typeName: 'no-such-type' }), { reason: 'registry_refused', awsError: 'ResourceNotFoundException', message: /^iot:CreateThing: .*no-such-type/ });
  await t.rejects(client.createThing({ name: 'a5', attributes: { a: 'b c' } }), { reason: 'registry_refused', message: /InvalidRequestException/ });
});

void t.test('a throttle is repeated, more slowly, and told', async (t) => {
  const { sandbox, options, calls } = await startRegistry(t);
  const told: string[] = [];
  const client = createRegistryClient(options, { called: (operation) => void told.push(operation), failed: (reason) => void told.push(reason), throttled: () => void told.push('throttled') });
  t.teardown(() => client.close());
  sandbox.misbehaveApi([{ action: 'throttle', times: 2 }]);
  t.equal(await client.describeThing('a6'), undefined);
  t.equal(calls('DescribeThing'), 3);
  t.strictSame(told, ['DescribeThing', 'throttled', 'DescribeThing', 'throttled', 'DescribeThing'], 'a thing that is not there is no failure');
});

void t.test('pages are read to the last, which may be after a short one', async (t) => {
  const { client } = await startRegistry(t);
  const names = Array.from({ length: 300 }, (_, index) => `page-${String(index).padStart(3, '0')}`);
  await Promise.all(names.map((name) => client.createThing({ name, attributes: { managedBy: 'lpwan-bridge' } })));
  await client.createThing({ name: 'page-other', attributes: { managedBy: 'somebody' } });
  const found: string[] = [];
  let pages = 0;
  for await (const page of client.listThings('managedBy', 'lpwan-bridge')) {
    pages += 1;
    found.push(...page.map(({ name }) => name));
  }
  t.ok(pages >= 2);
  t.strictSame(found.sort(), names);
});

void t.test('a private endpoint is trusted by its own CA, and by it only', async (t) => {
  const { address, options } = await startRegistry(t);
  const pem = (path: string): string => readFileSync(path, 'utf8');
  const dir = address.caCertificate.replace(/[^/]+$/, '');
  const server = createServer({ cert: pem(`${dir}server.pem`), key: pem(`${dir}server.key`) }, (_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"endpointAddress":"here"}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  const endpoint = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  t.equal(await clientOf(t, { ...options, endpoint, ca: pem(address.caCertificate) }).describeEndpoint(), 'here');
  await t.rejects(clientOf(t, { ...options, endpoint }).describeEndpoint(), { reason: 'registry_unreachable', message: /certificate/ });
});

void t.test('a client that is closed ends the waiting', async (t) => {
  const { options } = await startRegistry(t);
  const client = createRegistryClient({ ...options, requestsPerSecond: 1 });
  const calls = [client.describeThing('a7'), client.describeThing('a8')].map((call) => call.catch((error: unknown) => error));
  client.close();
  t.match(await calls[1], { reason: 'stopping' });
  await t.rejects(client.describeThing('a9'), { name: 'BridgeError', reason: 'stopping' });
});

void t.test('no more calls leave in a second than allowed', async (t) => {
  const perSecond = 40;
  const pace = createRequestPace(perSecond);
  const left: number[] = [];
  await Promise.all(Array.from({ length: 60 }, () => pace.turn().then(() => left.push(performance.now()))));
  const most = Math.max(...left.map((begin) => left.filter((at) => at >= begin && at < begin + 1_000).length));
  t.ok(most <= perSecond, `${most} in a second`);
  t.equal(left.length, 60);
});
