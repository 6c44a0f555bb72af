import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createCredentials } from '../../src/aws/credentials.js';
import { testDir } from '../support/test-dir.js';
import { region, startRegistry } from './things/support/registry.js';

const roleArn = 'arn:aws:iam::123456789012:role/lpwan';
const markerSecret = 'MARKER-secret-access-key-0123456789abcdef';

/** What an STS answers that is told what to say, and how often it was asked. */
const startSts = async (t: Test, answer: () => { readonly status: number; readonly body: string }): Promise<{ readonly endpoint: string; readonly asked: () => number }> => {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    const { status, body } = answer();
    response.writeHead(status, { 'content-type': 'text/xml' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked };
};

const roleAnswer = (validMs: number): { status: number; body: string } => ({
  status: 200,
  body: `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser><AssumedRoleId>A:b</AssumedRoleId><Arn>${roleArn}</Arn></AssumedRoleUser><Credentials><AccessKeyId>ASIATEMPORARY0000001</AccessKeyId><SecretAccessKey>temporary</SecretAccessKey><SessionToken>token</SessionToken><Expiration>${new Date(Date.now() + validMs).toISOString()}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
});

const refusal = (message: string): { status: number; body: string } => ({
  status: 403,
  body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>${message}</Message></Error></ErrorResponse>`,
});

const keys = { kind: 'access-key', accessKeyId: 'AKIATESTTESTTESTTEST', secretAccessKey: markerSecret } as const;

/** Sets environment variables for one test. */
const withEnvironment = (t: Test, values: Record<string, string | undefined>): void => {
  const before = Object.fromEntries(Object.keys(values).map((name) => [name, process.env[name]]));
  const set = (all: Record<string, string | undefined>): void => {
    for (const [name, value] of Object.entries(all)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  set(values);
  t.teardown(() => set(before));
};

const nothingElse = {
  AWS_ACCESS_KEY_ID: undefined,
  AWS_SECRET_ACCESS_KEY: undefined,
  AWS_SESSION_TOKEN: undefined,
  AWS_PROFILE: undefined,
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: undefined,
  AWS_CONTAINER_CREDENTIALS_FULL_URI: undefined,
  AWS_WEB_IDENTITY_TOKEN_FILE: undefined,
};

void t.test('access keys are given as they are', async (t) => {
  const source = createCredentials({ region, from: keys });
  t.strictSame(await source(), { accessKeyId: keys.accessKeyId, secretAccessKey: markerSecret });
});

void t.test('the provider chain reads the environment', async (t) => {
  withEnvironment(t, { ...nothingElse, AWS_ACCESS_KEY_ID: 'AKIAENVIRONMENT00001', AWS_SECRET_ACCESS_KEY: 'fromenv', AWS_SESSION_TOKEN: 'token' });
  t.match(await createCredentials({ region, from: { kind: 'provider-chain' } })(), { accessKeyId: 'AKIAENVIRONMENT00001', secretAccessKey: 'fromenv', sessionToken: 'token' });
});

void t.test('the provider chain reads shared files', async (t) => {
  const dir = testDir(t, { credentials: '[factory]\naws_access_key_id = AKIASHAREDFILE000001\naws_secret_access_key = fromfile\n', config: '' });
  withEnvironment(t, { ...nothingElse, AWS_PROFILE: 'factory', AWS_SHARED_CREDENTIALS_FILE: join(dir, 'credentials'), AWS_CONFIG_FILE: join(dir, 'config') });
  t.match(await createCredentials({ region, from: { kind: 'provider-chain' } })(), { accessKeyId: 'AKIASHAREDFILE000001', secretAccessKey: 'fromfile' });
});

void t.test('an empty provider chain is a reason of its own, and tells nothing of what a process printed', async (t) => {
  const dir = testDir(t, { credentials: '', config: `[default]\ncredential_process = false ${markerSecret}\n` });
  withEnvironment(t, { ...nothingElse, AWS_SHARED_CREDENTIALS_FILE: join(dir, 'credentials'), AWS_CONFIG_FILE: join(dir, 'config') });
  const failure = await createCredentials({ region, from: { kind: 'provider-chain' } })().catch((error: unknown) => error);
  t.match(failure, { reason: 'aws_credentials_missing' });
  t.notMatch(String((failure as Error).stack) + String((failure as Error).cause), markerSecret);
});

void t.test('a role is assumed at the sandbox, with the external id that it asks for', async (t) => {
  const { endpoint, address } = await startRegistry(t);
  const { accessKeyId, secretAccessKey } = address;
  const from = { kind: 'access-key', accessKeyId, secretAccessKey } as const;
  const assumed = await createCredentials({ region, from, assumeRole: { roleArn, externalId: 'factory-7', sessionName: 'lpwan-bridge', endpoint } })();
  t.not(assumed.accessKeyId, accessKeyId);
  t.type(assumed.sessionToken, 'string');
  t.ok((assumed.expiration?.getTime() ?? 0) > Date.now());

  const wrong = createCredentials({ region, from, assumeRole: { roleArn, externalId: 'another', sessionName: 'lpwan-bridge', endpoint } });
  await t.rejects(wrong(), { reason: 'aws_credentials_missing', message: /sts:AssumeRole/ });
});

void t.test('callers at the same time share one fetch, later ones get it from memory', async (t) => {
  const sts = await startSts(t, () => roleAnswer(3_600_000));
  const source = createCredentials({ region, from: keys, assumeRole: { roleArn, sessionName: 'lpwan-bridge', endpoint: sts.endpoint } });
  const [one, two] = await Promise.all([source(), source()]);
  t.equal(one, two);
  t.equal(await source(), one);
  t.equal(sts.asked(), 1);
});

void t.test('credentials near their end are renewed; when that fails they serve until the end', async (t) => {
  let answer = roleAnswer(120_000);
  const sts = await startSts(t, () => answer);
  const source = createCredentials({ region, from: keys, assumeRole: { roleArn, sessionName: 'lpwan-bridge', endpoint: sts.endpoint } });
  const first = await source();
  const second = await source();
  t.not(second, first, 'it was fetched again');
  answer = refusal('no more');
  t.equal(await source(), second);
});

void t.test('credentials that ended are not given out', async (t) => {
  let answer = roleAnswer(10_000);
  const sts = await startSts(t, () => answer);
  const source = createCredentials({ region, from: keys, assumeRole: { roleArn, sessionName: 'lpwan-bridge', endpoint: sts.endpoint } });
  await source();
  answer = refusal('no more');
  await t.rejects(source(), { name: 'BridgeError', reason: 'aws_credentials_missing' });
});

void t.test('a refusal is told in the words of STS, without what is secret, and is not remembered', async (t) => {
  let answer = refusal(`User: arn:aws:iam::1:user/u is not authorized to perform: sts:AssumeRole on resource: ${roleArn}; you sent ${markerSecret} and ext-9`);
  const sts = await startSts(t, () => answer);
  const source = createCredentials({ region, from: keys, assumeRole: { roleArn, externalId: 'ext-9', sessionName: 'lpwan-bridge', endpoint: sts.endpoint } });
  const failure = (await source().catch((error: unknown) => error)) as Error;
  t.match(failure, { reason: 'aws_credentials_missing', message: /not authorized to perform: sts:AssumeRole on resource/ });
  t.notMatch(String(failure.stack) + String(failure.cause), markerSecret);
  t.notMatch(failure.message, 'ext-9');
  answer = roleAnswer(3_600_000);
  t.match(await source(), { accessKeyId: 'ASIATEMPORARY0000001' });
});

void t.test('an STS that cannot be reached, and one that answers nonsense', async (t) => {
  const nobody = createCredentials({ region, from: keys, assumeRole: { roleArn, sessionName: 'lpwan-bridge', endpoint: 'http://127.0.0.1:1' } });
  await t.rejects(nobody(), { name: 'BridgeError', reason: 'aws_credentials_missing' });
  const sts = await startSts(t, () => ({ status: 200, body: '<html>hello</html>' }));
  await t.rejects(createCredentials({ region, from: keys, assumeRole: { roleArn, sessionName: 'lpwan-bridge', endpoint: sts.endpoint } })(), { name: 'BridgeError', reason: 'aws_credentials_missing' });
});
