import t from 'tap';
import { createCredentials } from '../../../src/aws/credentials.js';
import { until } from '../../support/until.js';
import { allowingAll, denying, settings, startRegistry } from './support/registry.js';
import { startRegistrar, uplinkOf } from './support/registrar.js';
import { createTestMemory } from './support/thing-memory.js';

const device = '0018b20000000001';
const thing = device.toUpperCase();
const go = { kind: 'go' };
const wait = { kind: 'wait' };

void t.test('beside: the first message makes the thing, uplinks never wait, and AWS is asked once', async (t) => {
  const registry = await startRegistry(t);
  const { registrar, memory, is, events, metrics } = startRegistrar(t, registry);
  t.strictSame(registrar.admit(device), go, 'before anything is known');
  for (let count = 0; count < 50; count += 1) registrar.seen(uplinkOf(device, { device: { name: 'Pump 7' } }));
  await is(device, 'ready');
  registrar.seen(uplinkOf(device));
  t.match(await registry.client.describeThing(thing), { typeName: 'lorawan', attributes: { name: 'Pump_7', managedBy: 'lpwan-bridge' } });
  t.strictSame(await registry.principalsOf(thing), [registry.address.certificateArn]);
  t.equal(registry.calls('CreateThing'), 2, 'once without the thing type, once with it');
  t.equal(memory.finds, 1);
  t.strictSame(registrar.status(), { pending: 0 });
  t.match(events, [{ subject: { kind: 'connection', id: 'main' }, level: 'info', text: 'thing type made', detail: 'lorawan' }]);
  const text = await metrics.metrics();
  t.match(text, 'lpwan_bridge_registry_calls_total{connection="main",operation="CreateThing"} 2');
  t.match(text, 'lpwan_bridge_registry_things_total{connection="main",state="ready"} 1');
  t.match(text, 'lpwan_bridge_registry_pending{connection="main"} 0');
});

void t.test('beside: a thing that cannot be made holds nobody up, and is told once', async (t) => {
  const registry = await startRegistry(t);
  await registry.client.createThing({ name: thing, attributes: {} });
  const { registrar, is, events, memory } = startRegistrar(t, registry);
  registrar.seen(uplinkOf(device));
  await is(device, 'foreign');
  t.match(memory.get(device), { reason: 'thing_foreign', detail: /no attribute managedBy/ });
  for (let count = 0; count < 20; count += 1) registrar.seen(uplinkOf(device));
  t.strictSame(registrar.admit(device), go);
  t.match(events, [{ level: 'warning', reason: 'thing_foreign', deviceId: device }]);
  t.equal(events.length, 1);
});

void t.test('required: uplinks wait until the thing is there', async (t) => {
  const registry = await startRegistry(t);
  const { registrar, released } = startRegistrar(t, registry, { required: true });
  registrar.seen(uplinkOf(device));
  t.strictSame(registrar.admit(device), wait);
  await until('it is released', () => released.length > 0);
  t.strictSame(released, [device]);
  t.strictSame(registrar.admit(device), go);
  t.not(await registry.client.describeThing(thing), undefined);
});

void t.test('required: what can never become a thing of ours is parked with its reason, and the others go', async (t) => {
  const registry = await startRegistry(t);
  await registry.client.createThing({ name: thing, attributes: {} });
  const { registrar, released } = startRegistrar(t, registry, { required: true, things: { ...settings, attributes: {}, name: "{deviceName|DevEUI}" } });
  registrar.seen(uplinkOf(device));
  registrar.seen(uplinkOf('02', { device: { name: 'no spaces please' } }));
  registrar.seen(uplinkOf('03'));
  await until('all are released', () => released.length === 3);
  t.match(registrar.admit(device), { kind: 'park', reason: 'thing_foreign', detail: /belongs|no attribute/ });
  t.match(registrar.admit('02'), { kind: 'park', reason: 'thing_invalid', detail: /no spaces please/ });
  t.strictSame(registrar.admit('03'), go);
});

void t.test('required: a name that the next message can give is not refused for long', async (t) => {
  const registry = await startRegistry(t);
  const { registrar, released, is } = startRegistrar(t, registry, { required: true, things: { ...settings, name: '{deviceName}' } });
  registrar.seen(uplinkOf(device));
  await is(device, 'failed');
  t.match(registrar.admit(device), { kind: 'park', reason: 'thing_invalid' });
  registrar.seen(uplinkOf(device, { device: { name: 'pump7' } }));
  t.strictSame(registrar.admit(device), wait);
  await is(device, 'ready');
  t.strictSame(registrar.admit(device), go);
  t.strictSame(released, [device, device]);
});

void t.test('required: while AWS forbids, uplinks wait and status says what lacks; once it is given all go', async (t) => {
  const registry = await startRegistry(t);
  registry.sandbox.setIamPolicy(denying('iot:AttachThingPrincipal'));
  const { registrar, events, log, is, memory } = startRegistrar(t, registry, { required: true });
  const devices = Array.from({ length: 5 }, (_, index) => `dev${index}`);
  for (const deviceId of devices) registrar.seen(uplinkOf(deviceId));
  await until('it fails', () => registrar.status().failing !== undefined);
  t.match(registrar.status(), { pending: 5, failing: { reason: 'registry_forbidden', detail: /iot:AttachThingPrincipal on arn:aws:iot:.*:cert\/[0-9a-f]{64}/, since: Number } });
  await until('it is tried again', () => registry.calls('AttachThingPrincipal') > 15);
  for (const deviceId of devices) t.strictSame(registrar.admit(deviceId), wait);
  t.match(memory.get('dev0'), { state: 'pending', reason: 'registry_forbidden' });
  registry.sandbox.setIamPolicy(allowingAll);
  for (const deviceId of devices) await is(deviceId, 'ready');
  t.strictSame(registrar.status(), { pending: 0 });
  t.strictSame(events.filter(({ reason }) => reason === 'registry_forbidden').map(({ text }) => text), ['registration fails', 'registration works again'], 'told once');
  t.equal(log.filter(({ level }) => level === 40).length, 1, 'one warning');
});

void t.test('a device that is forbidden does not block the others', async (t) => {
  const registry = await startRegistry(t);
  registry.sandbox.setIamPolicy({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: '*', Resource: '*' },
      { Effect: 'Deny', Action: 'iot:CreateThing', Resource: 'arn:aws:iot:*:*:thing/BAD*' },
    ],
  });
  const { registrar, is } = startRegistrar(t, registry, { required: true, limits: { concurrency: 1 } });
  for (const deviceId of ['bad0', 'bad1', 'bad2', 'good']) registrar.seen(uplinkOf(deviceId));
  await is('good', 'ready');
  t.strictSame(registrar.admit('bad0'), wait);
  t.match(registrar.status(), { pending: 3, failing: { reason: 'registry_forbidden' } });
});

void t.test('while AWS is away one attempt now and then is made, and everything follows when it is back', async (t) => {
  const registry = await startRegistry(t);
  registry.sandbox.misbehaveApi([{ action: 'fail' }]);
  const { registrar, is, events } = startRegistrar(t, registry, { limits: { backoff: { minMs: 50, maxMs: 100 }, concurrency: 4 } });
  const devices = Array.from({ length: 100 }, (_, index) => `away${index}`);
  for (const deviceId of devices) registrar.seen(uplinkOf(deviceId));
  await until('it fails', () => registrar.status().failing?.reason === 'registry_unreachable');
  await until('it is tried again', () => registry.calls('DescribeThing') > 6);
  t.ok(registry.calls('DescribeThing') < 50, 'not for every device');
  registry.sandbox.misbehaveApi([]);
  for (const deviceId of devices) await is(deviceId, 'ready');
  t.strictSame(registrar.status(), { pending: 0 });
  t.ok(events.some(({ text, reason }) => text === 'registration works again' && reason === 'registry_unreachable'));
});

void t.test('a call that is never answered ends with the registrar', async (t) => {
  const registry = await startRegistry(t);
  registry.sandbox.misbehaveApi([{ action: 'hang' }]);
  const { registrar } = startRegistrar(t, registry);
  registrar.seen(uplinkOf(device));
  await until('the call is out', () => registry.calls('DescribeThing') === 1);
  const deadline = { remaining: () => 50 };
  await registrar.stop(deadline);
  t.equal(registrar.status().pending, 1);
});

void t.test('createDevices false: a device with a thing goes, one without is parked with an event, until somebody makes the thing', async (t) => {
  const registry = await startRegistry(t);
  await registry.client.createThing({ name: thing, attributes: {} });
  const { registrar, is, released, events, metrics } = startRegistrar(t, registry, { create: false, limits: { recheckAfterMs: 300 } });
  for (const deviceId of [device, '02']) {
    registrar.seen(uplinkOf(deviceId));
    t.strictSame(registrar.admit(deviceId), wait);
  }
  await is(device, 'ready');
  await is('02', 'missing');
  t.strictSame(registrar.admit(device), go, 'whoever made it');
  t.strictSame(await registry.principalsOf(thing), [], 'and it is left as it is');
  t.match(registrar.admit('02'), { kind: 'park', reason: 'thing_missing', detail: /02/ });
  t.strictSame(released.sort(), [device, '02'].sort());
  await until('it is looked up again', () => {
    registrar.admit('02');
    return released.length > 3;
  });
  t.match(events, [{ level: 'warning', text: 'uplinks skipped', reason: 'thing_missing', deviceId: '02' }]);
  t.equal(events.length, 1, 'once an hour');
  await registry.client.createThing({ name: '02', attributes: {} });
  await until('it goes', () => registrar.admit('02').kind === 'go');
  t.equal(registry.calls('CreateThing'), 2, 'those of the test');
  t.match(await metrics.metrics(), /registry_things_total\{connection="main",state="missing"\} [2-9]/);
});

void t.test('createDevices false: while AWS gives no answer uplinks wait', async (t) => {
  const registry = await startRegistry(t);
  registry.sandbox.setIamPolicy(denying('iot:DescribeThing'));
  const { registrar } = startRegistrar(t, registry, { create: false });
  t.strictSame(registrar.admit(device), wait);
  await until('it fails', () => registrar.status().failing?.reason === 'registry_forbidden');
  t.strictSame(registrar.admit(device), wait);
});

void t.test('after a restart ready devices are not looked up in AWS, and others are', async (t) => {
  const registry = await startRegistry(t);
  const memory = createTestMemory();
  await registry.client.createThing({ name: 'BAD', attributes: {} });
  const first = startRegistrar(t, registry, { memory, required: true });
  for (const deviceId of [device, 'bad']) first.registrar.seen(uplinkOf(deviceId));
  await first.is(device, 'ready');
  await first.is('bad', 'foreign');
  await first.stop();
  await registry.client.deleteThing('BAD');
  const before = registry.calls('DescribeThing');
  const { registrar, released } = startRegistrar(t, registry, { memory, required: true });
  for (const deviceId of [device, 'bad']) t.strictSame(registrar.admit(deviceId), wait);
  await until('both are released', () => released.length === 2);
  t.strictSame(released, [device, 'bad']);
  for (const deviceId of [device, 'bad']) t.strictSame(registrar.admit(deviceId), go);
  t.equal(registry.calls('DescribeThing'), before + 1, 'only the one that was not ready');
});

void t.test('after a restart a device without a message gets what its last one said, or its id', async (t) => {
  const registry = await startRegistry(t);
  const memory = createTestMemory();
  memory.put({ connectionId: 'main', deviceId: 'a1', thingName: 'pump7', state: 'pending', since: 1, attributes: { name: 'Pump_7', managedBy: 'lpwan-bridge' } });
  const { registrar, is } = startRegistrar(t, registry, { memory, required: true, things: { ...settings, name: '{deviceName}' } });
  t.strictSame(registrar.admit('a1'), wait);
  t.strictSame(registrar.admit('b2'), wait, 'its name needs a message');
  await is('a1', 'ready');
  t.match(await registry.client.describeThing('pump7'), { attributes: { name: 'Pump_7' } });
  t.strictSame(registrar.status(), { pending: 1 });
  registrar.seen(uplinkOf('b2', { device: { name: 'pump8' } }));
  await is('b2', 'ready');
  t.strictSame(registrar.admit('b2'), go);
  const other = startRegistrar(t, registry, { required: true });
  t.strictSame(other.registrar.admit(device), wait);
  await other.is(device, 'ready');
});

void t.test('a memory that cannot be read does not keep devices out', async (t) => {
  const registry = await startRegistry(t);
  const memory = createTestMemory();
  memory.away = true;
  const { registrar, released } = startRegistrar(t, registry, { memory, required: true });
  registrar.seen(uplinkOf(device));
  await until('it was asked several times', () => memory.finds >= 2);
  t.strictSame(registrar.admit(device), wait);
  memory.away = false;
  await until('it is released', () => released.length === 1);
  t.strictSame(registrar.admit(device), go);
});

void t.test('retry looks a device up again, also one that was ready', async (t) => {
  const registry = await startRegistry(t);
  const { registrar, released, memory } = startRegistrar(t, registry, { required: true });
  registrar.seen(uplinkOf(device, { device: { name: 'pump7' } }));
  await until('it is ready', () => registrar.admit(device).kind === 'go');
  await registry.client.detachPrincipal(thing, registry.address.certificateArn);
  await registry.client.deleteThing(thing);
  registrar.retry(device);
  t.strictSame(registrar.admit(device), wait);
  await until('it is released again', () => released.length === 2);
  t.match(await registry.client.describeThing(thing), { attributes: { name: 'pump7' } });
  t.match(memory.get(device), { state: 'ready' });
});

void t.test('retry does not wait for the backoff', async (t) => {
  const registry = await startRegistry(t);
  registry.sandbox.setIamPolicy(denying('iot:CreateThing'));
  const { registrar, is } = startRegistrar(t, registry, { limits: { backoff: { minMs: 3_600_000, maxMs: 3_600_000 } } });
  registrar.seen(uplinkOf(device));
  await until('it fails', () => registrar.status().failing !== undefined);
  registry.sandbox.setIamPolicy(allowingAll);
  registrar.retry(device);
  await is(device, 'ready');
});

void t.test('a role that was assumed registers devices', async (t) => {
  const registry = await startRegistry(t);
  const { accessKeyId, secretAccessKey } = registry.address;
  const assumeRole = { roleArn: 'arn:aws:iam::123456789012:role/lpwan', externalId: 'factory-7', sessionName: 'lpwan-bridge', endpoint: registry.endpoint };
  const credentials = createCredentials({ region: 'us-east-1', from: { kind: 'access-key', accessKeyId, secretAccessKey }, assumeRole });
  const { registrar, is } = startRegistrar(t, registry, { registry: { ...registry.options, credentials } });
  registrar.seen(uplinkOf(device));
  await is(device, 'ready');
  t.equal(registry.calls('AssumeRole'), 1);
});

void t.test('without credentials devices wait, and the reason is told', async (t) => {
  const registry = await startRegistry(t);
  const { accessKeyId, secretAccessKey } = registry.address;
  const assumeRole = { roleArn: 'arn:aws:iam::123456789012:role/lpwan', externalId: 'wrong', sessionName: 'lpwan-bridge', endpoint: registry.endpoint };
  const credentials = createCredentials({ region: 'us-east-1', from: { kind: 'access-key', accessKeyId, secretAccessKey }, assumeRole });
  const { registrar } = startRegistrar(t, registry, { required: true, registry: { ...registry.options, credentials } });
  registrar.seen(uplinkOf(device));
  await until('it fails', () => registrar.status().failing?.reason === 'aws_credentials_missing');
  t.strictSame(registrar.admit(device), wait);
});
