import { createHash, X509Certificate } from 'node:crypto';
import { CreateThingGroupCommand, CreateBillingGroupCommand, DeprecateThingTypeCommand, IoTClient, ListThingGroupsForThingCommand } from '@aws-sdk/client-iot';
import t, { type Test } from 'tap';
import { createPrincipal, type CertificateReference } from '../../../src/aws/things/certificate-principal.js';
import { createEnsureThing, type EnsureThing } from '../../../src/aws/things/ensure-thing.js';
import type { ThingDraft, ThingSettings } from '../../../src/aws/things/thing-pattern.js';
import { createWithThingType } from '../../../src/aws/things/thing-type.js';
import { allowingAll, denying, settings, startRegistry, type TestRegistry } from './support/registry.js';

interface Ensuring {
  readonly ensure: EnsureThing;
  /** Thing types that were made. */
  readonly made: string[];
}

const ensuring = ({ client, address }: TestRegistry, changes: Partial<ThingSettings> = {}, reference: CertificateReference = { certificateId: address.certificateArn }): Ensuring => {
  const things = { ...settings, ...changes };
  const made: string[] = [];
  const withThingType = createWithThingType(client, things.deviceType, () => void made.push(things.deviceType ?? ''));
  return { made, ensure: createEnsureThing({ registry: client, principal: createPrincipal(client, reference), withThingType }, things) };
};

const draftOf = (thingName: string, attributes: Readonly<Record<string, string>> = {}): ThingDraft => ({ thingName, attributes: { ...attributes, managedBy: 'lpwan-bridge' } });

const sdkOf = (t: Test, { options }: TestRegistry): IoTClient => {
  const { region, endpoint = '', credentials } = options;
  const sdk = new IoTClient({ region, endpoint, credentials });
  t.teardown(() => sdk.destroy());
  return sdk;
};

void t.test('a thing is made with its type, attributes and principal; the type only once', async (t) => {
  const registry = await startRegistry(t);
  const { ensure, made } = ensuring(registry);
  const names = Array.from({ length: 20 }, (_, index) => `new-${index}`);
  for (const ensured of await Promise.all(names.map((name) => ensure(draftOf(name, { site: 'Paris' }))))) t.strictSame(ensured, { state: 'ready', change: 'made' });
  t.strictSame(made, ['lorawan']);
  t.equal(registry.calls('CreateThingType'), 1);
  t.match(await registry.client.describeThing('new-7'), { name: 'new-7', typeName: 'lorawan', attributes: { site: 'Paris', managedBy: 'lpwan-bridge' } });
  t.strictSame(await registry.principalsOf('new-7'), [registry.address.certificateArn]);
});

void t.test('twice, at the same time and by two replicas, is the same as once', async (t) => {
  const registry = await startRegistry(t);
  const [one, two] = [ensuring(registry), ensuring(registry)];
  await Promise.all([one.ensure(draftOf('twice')), two.ensure(draftOf('twice', { site: 'Paris' })), one.ensure(draftOf('twice')), two.ensure(draftOf('twice'))]);
  t.strictSame(await one.ensure(draftOf('twice', { site: 'Lyon' })), { state: 'ready', change: 'none' }, 'an attribute that is there keeps its value');
  t.match(await registry.client.describeThing('twice'), { attributes: { site: 'Paris' } });
  t.strictSame(await registry.principalsOf('twice'), [registry.address.certificateArn]);
});

void t.test('the ARN of the certificate is found by its hash, its id, or given', async (t) => {
  const registry = await startRegistry(t);
  const { certificate, address, client } = registry;
  const der = new X509Certificate(certificate).raw;
  t.equal(createHash('sha256').update(der).digest('hex'), address.certificateId);
  for (const reference of [{ certificate }, { certificateId: address.certificateId.toUpperCase() }, { certificateId: address.certificateArn }]) {
    t.equal(await createPrincipal(client, reference)(), address.certificateArn);
  }
  const principal = createPrincipal(client, { certificate });
  const before = registry.calls('DescribeCertificate');
  await Promise.all([principal(), principal()]);
  await principal();
  t.equal(registry.calls('DescribeCertificate'), before + 1, 'asked once');
  t.equal(await createPrincipal(client, {})(), undefined);
  await t.rejects(createPrincipal(client, { certificateId: '0'.repeat(64) })(), { reason: 'registry_refused', message: /AWS has no certificate 0000/ });
});

void t.test('a connection without a certificate attaches nothing', async (t) => {
  const registry = await startRegistry(t);
  await ensuring(registry, {}, {}).ensure(draftOf('wss'));
  t.strictSame(await registry.principalsOf('wss'), []);
  t.equal(registry.calls('AttachThingPrincipal'), 0);
});

void t.test('a thing of another system is not touched', async (t) => {
  const registry = await startRegistry(t);
  const { client, principalsOf } = registry;
  await client.createThing({ name: 'theirs', attributes: { room: '7' } });
  await client.createThing({ name: 'others', attributes: { managedBy: 'somebody' } });
  const { ensure } = ensuring(registry);
  t.match(await ensure(draftOf('theirs')), { state: 'foreign', detail: /theirs has no attribute managedBy/ });
  t.match(await ensure(draftOf('others')), { state: 'foreign', detail: /managedBy=somebody/ });
  t.strictSame(await client.describeThing('theirs'), { name: 'theirs', attributes: { room: '7' } });
  t.strictSame(await principalsOf('theirs'), []);
  t.equal(registry.calls('UpdateThing'), 0);
});

void t.test('taken over, it keeps what it has', async (t) => {
  const registry = await startRegistry(t);
  const { client, principalsOf, address } = registry;
  await client.createThing({ name: 'theirs', attributes: { room: '7', managedBy: 'somebody' } });
  t.strictSame(await ensuring(registry, { takeOver: true }).ensure(draftOf('theirs', { room: '8', site: 'Paris' })), { state: 'ready', change: 'mended' });
  t.match(await client.describeThing('theirs'), { typeName: 'lorawan', attributes: { room: '7', site: 'Paris', managedBy: 'lpwan-bridge' } });
  t.strictSame(await principalsOf('theirs'), [address.certificateArn]);
});

void t.test('a thing of ours gets what it lacks: type, attributes, principal, group', async (t) => {
  const registry = await startRegistry(t);
  const sdk = sdkOf(t, registry);
  await sdk.send(new CreateThingGroupCommand({ thingGroupName: 'factory' }));
  await sdk.send(new CreateBillingGroupCommand({ billingGroupName: 'customer' }));
  await registry.client.createThing({ name: 'half', attributes: { managedBy: 'lpwan-bridge' } });
  const { ensure } = ensuring(registry, { group: 'factory', billingGroup: 'customer' });
  t.strictSame(await ensure(draftOf('half', { site: 'Paris' })), { state: 'ready', change: 'mended' });
  t.match(await registry.client.describeThing('half'), { typeName: 'lorawan', attributes: { site: 'Paris' } });
  t.strictSame(await registry.principalsOf('half'), [registry.address.certificateArn]);
  const groups = async (thingName: string): Promise<unknown> => (await sdk.send(new ListThingGroupsForThingCommand({ thingName }))).thingGroups?.map(({ groupName }) => groupName);
  t.strictSame(await groups('half'), ['factory']);
  await ensure(draftOf('whole'));
  t.match(await registry.client.describeThing('whole'), { billingGroup: 'customer' });
  t.strictSame(await groups('whole'), ['factory']);
});

void t.test('a group that does not exist is refused in words that name it', async (t) => {
  const registry = await startRegistry(t);
  await t.rejects(ensuring(registry, { group: 'nowhere' }).ensure(draftOf('lonely')), { reason: 'registry_refused', message: /iot:AddThingToThingGroup: .*nowhere/ });
  await t.rejects(ensuring(registry, { billingGroup: 'nobody' }).ensure(draftOf('unpaid')), { reason: 'registry_refused', message: /iot:CreateThing: .*nobody/ });
});

void t.test('a type that may not be made is told with the permission that lacks; one that is there needs none', async (t) => {
  const registry = await startRegistry(t);
  registry.sandbox.setIamPolicy(denying('iot:CreateThingType', 'iot:DescribeThingType'));
  const { ensure } = ensuring(registry);
  await t.rejects(ensure(draftOf('untyped')), { reason: 'registry_forbidden', message: /the thing type lorawan does not exist, and iot:CreateThingType on arn:.*:thingtype\/lorawan is not allowed/ });
  registry.sandbox.setIamPolicy(allowingAll);
  await registry.client.createThingType('lorawan');
  registry.sandbox.setIamPolicy(denying('iot:CreateThingType', 'iot:DescribeThingType'));
  t.match(await ensure(draftOf('typed')), { change: 'made' });
});

void t.test('a type that was removed in between is made again, a deprecated one is refused', async (t) => {
  const registry = await startRegistry(t);
  const { ensure, made } = ensuring(registry, { deviceType: 'sigfox' });
  await ensure(draftOf('first'));
  await sdkOf(t, registry).send(new DeprecateThingTypeCommand({ thingTypeName: 'sigfox' }));
  await t.rejects(ensure(draftOf('second')), { reason: 'registry_refused', message: /iot:CreateThing: InvalidRequestException/ });
  t.strictSame(made, ['sigfox']);
});
