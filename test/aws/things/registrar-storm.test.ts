import t from 'tap';
import { until } from '../../support/until.js';
import { settings, startRegistry } from './support/registry.js';
import { startRegistrar, uplinkOf } from './support/registrar.js';

const devices = Array.from({ length: 2_000 }, (_, index) => `0018b2${index.toString(16).padStart(10, '0')}`);
const quick = { ...settings, attributes: {} };

void t.test('2,000 devices at once against a tight throttle all get their thing, and no uplink is held for ever', async (t) => {
  const registry = await startRegistry(t, { CreateThing: 150, AttachThingPrincipal: 150, CreateThingType: 1 });
  registry.sandbox.misbehaveApi([
    { action: 'throttle', operations: ['CreateThing'], share: 0.05, times: 20 },
    { action: 'throttle', operations: ['AttachThingPrincipal'], share: 0.05, times: 20 },
  ]);
  // The pace is set above what AWS takes, as when other programs share the account.
  const { registrar, released, memory } = startRegistrar(t, registry, {
    required: true,
    things: quick,
    registry: { ...registry.options, requestsPerSecond: 400 },
    limits: { waitingDevices: 100, knownDevices: 4_000 },
  });
  for (const deviceId of devices) {
    registrar.seen(uplinkOf(deviceId));
    if (registrar.admit(deviceId).kind !== 'wait') t.fail(`${deviceId} does not wait`);
  }
  let done = 0;
  while (done < devices.length) {
    const before = done;
    await until('more are released', () => released.length > before);
    done = released.length;
  }
  t.strictSame([...released].sort(), devices, 'each once');
  t.ok(devices.every((deviceId) => registrar.admit(deviceId).kind === 'go' && memory.get(deviceId)?.state === 'ready'));
  t.ok((registry.sandbox.stats().api.throttled as Record<string, number>)['CreateThing'], 'AWS did throttle');
  t.strictSame(registrar.status(), { pending: 0 });
  const found = new Set<string>();
  for await (const page of registry.client.listThings('managedBy', 'lpwan-bridge')) for (const { name } of page) found.add(name.toLowerCase());
  t.equal(found.size, devices.length);
});

void t.test('beside the flow more new devices than the bound are looked up when they are heard again', async (t) => {
  const registry = await startRegistry(t);
  const { registrar, memory } = startRegistrar(t, registry, { things: quick, started: false, limits: { waitingDevices: 50 } });
  const few = devices.slice(0, 300);
  for (const deviceId of few) {
    registrar.seen(uplinkOf(deviceId));
    if (registrar.admit(deviceId).kind !== 'go') t.fail(`${deviceId} has to wait`);
  }
  t.strictSame(registrar.status(), { pending: 50 }, 'no more are kept');
  registrar.start();
  await until('all are ready', () => {
    for (const deviceId of few) registrar.seen(uplinkOf(deviceId));
    return few.every((deviceId) => memory.get(deviceId)?.state === 'ready');
  });
  t.strictSame(registrar.status(), { pending: 0 });
});

void t.test('devices that are no longer in memory are read from the memory of things, not from AWS', async (t) => {
  const registry = await startRegistry(t);
  const { registrar, memory } = startRegistrar(t, registry, { required: true, things: quick, limits: { knownDevices: 10 } });
  const few = devices.slice(0, 100);
  for (const deviceId of few) registrar.seen(uplinkOf(deviceId));
  await until('all are ready', () => few.every((deviceId) => memory.get(deviceId)?.state === 'ready'));
  const before = registry.calls('DescribeThing');
  for (const deviceId of few) await until(`${deviceId} goes`, () => registrar.admit(deviceId).kind === 'go');
  t.equal(registry.calls('DescribeThing'), before);
});
