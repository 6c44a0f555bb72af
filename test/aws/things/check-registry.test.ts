import t from 'tap';
import { checkRegistry, type CheckRegistryOptions } from '../../../src/aws/things/check-registry.js';
import { createCredentials } from '../../../src/aws/credentials.js';
import { allowingAll, denying, region, settings, startRegistry, type TestRegistry } from './support/registry.js';

const checkOf = ({ options, certificate }: TestRegistry, more: Partial<CheckRegistryOptions> = {}): ReturnType<typeof checkRegistry> =>
  checkRegistry({ registry: options, things: settings, certificate: { certificate }, create: true, ...more });

/** `step result` of each. */
const shortOf = (steps: Awaited<ReturnType<typeof checkRegistry>>): string[] => steps.map(({ step, result }) => `${step} ${result}`);

/** Things that are left in AWS. */
const thingsOf = async ({ client }: TestRegistry): Promise<string[]> => {
  const names: string[] = [];
  for await (const page of client.listThings('managedBy', 'lpwan-bridge')) names.push(...page.map(({ name }) => name));
  return names;
};

const allOk = ['aws credentials ok', 'describe endpoint ok', 'thing type ok', 'find certificate ok', 'create thing ok', 'describe thing ok', 'attach principal ok', 'detach principal ok', 'delete thing ok'];

void t.test('everything that registration needs is tried, and nothing is left', async (t) => {
  const registry = await startRegistry(t);
  const endpoint = await registry.client.describeEndpoint();
  const steps = await checkOf(registry, { endpoint: endpoint.toUpperCase() });
  t.strictSame(shortOf(steps), allOk);
  t.match(steps.find(({ step }) => step === 'create thing'), { detail: /^lpwan-bridge-probe-[0-9a-f]{12}$/ });
  t.match(steps.find(({ step }) => step === 'thing type'), { detail: /lorawan does not exist/ });
  t.strictSame(await thingsOf(registry), []);
  t.equal(await registry.client.describeThingType('lorawan'), undefined, 'no type was made');
});

const refusals: readonly { readonly action: string; readonly step: string; readonly resource: RegExp }[] = [
  { action: 'iot:DescribeEndpoint', step: 'describe endpoint', resource: /^\*$/ },
  { action: 'iot:DescribeThingType', step: 'thing type', resource: /:thingtype\/lorawan$/ },
  { action: 'iot:DescribeCertificate', step: 'find certificate', resource: /:cert\/[0-9a-f]{64}$/ },
  { action: 'iot:CreateThing', step: 'create thing', resource: /:thing\/lpwan-bridge-probe-/ },
  { action: 'iot:DescribeThing', step: 'describe thing', resource: /:thing\/lpwan-bridge-probe-/ },
  { action: 'iot:AttachThingPrincipal', step: 'attach principal', resource: /:cert\/[0-9a-f]{64}$/ },
];

for (const { action, step, resource } of refusals) {
  void t.test(`without ${action} the step ${step} names it, and nothing is left`, async (t) => {
    const registry = await startRegistry(t);
    registry.sandbox.setIamPolicy(denying(action));
    const steps = await checkOf(registry);
    t.strictSame(steps.filter(({ result }) => result === 'failed').map((failed) => failed.step), [step]);
    t.match(steps.find(({ result }) => result === 'failed'), { reason: 'registry_forbidden', missing: { policy: 'iam', action, resource }, durationMs: Number });
    registry.sandbox.setIamPolicy(allowingAll);
    t.strictSame(await thingsOf(registry), []);
  });
}

void t.test('a probe that may not be removed is told by name', async (t) => {
  const registry = await startRegistry(t);
  registry.sandbox.setIamPolicy(denying('iot:DeleteThing'));
  const steps = await checkOf(registry);
  t.match(steps.at(-1), { step: 'delete thing', result: 'failed', missing: { action: 'iot:DeleteThing', resource: /lpwan-bridge-probe-/ } });
});

void t.test('an endpoint of another account is found out', async (t) => {
  const registry = await startRegistry(t);
  const steps = await checkOf(registry, { endpoint: 'abcdefghijklmn-ats.iot.eu-west-1.amazonaws.com' });
  t.match(steps[1], { step: 'describe endpoint', result: 'failed', reason: 'registry_refused', detail: /another|belong.*abcdefghijklmn-ats/ });
});

void t.test('a connection without a certificate, and one that makes no things', async (t) => {
  const registry = await startRegistry(t);
  const steps = await checkOf(registry, { certificate: {} });
  t.strictSame(shortOf(steps).filter((line) => line.endsWith('skipped')), ['find certificate skipped', 'attach principal skipped', 'detach principal skipped']);
  const before = registry.calls('CreateThing');
  t.strictSame(shortOf(await checkOf(registry, { create: false })), ['aws credentials ok', 'describe endpoint ok', 'thing type ok', 'describe thing ok']);
  t.equal(registry.calls('CreateThing'), before);
});

void t.test('a role that may not be assumed is a permission that lacks too', async (t) => {
  const registry = await startRegistry(t);
  registry.sandbox.setIamPolicy(denying('sts:AssumeRole'));
  const { accessKeyId, secretAccessKey } = registry.address;
  const roleArn = 'arn:aws:iam::123456789012:role/lpwan';
  const assumeRole = { roleArn, externalId: 'factory-7', sessionName: 'lpwan-bridge', endpoint: registry.endpoint };
  const credentials = createCredentials({ region, from: { kind: 'access-key', accessKeyId, secretAccessKey }, assumeRole });
  t.match(await checkOf(registry, { registry: { ...registry.options, credentials } }), [
    { step: 'aws credentials', result: 'failed', reason: 'aws_credentials_missing', missing: { policy: 'iam', action: 'sts:AssumeRole', resource: roleArn } },
  ]);
});

void t.test('without credentials, and without AWS, the reason is told once', async (t) => {
  const registry = await startRegistry(t);
  const assumeRole = { roleArn: 'arn:aws:iam::123456789012:role/x', sessionName: 'b', endpoint: 'http://127.0.0.1:1' };
  const credentials = createCredentials({ region, from: { kind: 'access-key', accessKeyId: 'AKIATESTTESTTESTTEST', secretAccessKey: 'x' }, assumeRole });
  t.match(await checkOf(registry, { registry: { ...registry.options, credentials } }), [{ step: 'aws credentials', result: 'failed', reason: 'aws_credentials_missing' }]);
  const away = await checkOf(registry, { registry: { ...registry.options, endpoint: 'http://127.0.0.1:1' } });
  t.match(away.find(({ step }) => step === 'create thing'), { result: 'failed', reason: 'registry_unreachable' });
  t.match(away.at(-1), { step: 'delete thing', result: 'skipped' });
});
