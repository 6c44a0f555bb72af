import t from 'tap';
import { syncThings, type SyncDifference, type SyncOptions, type SyncTotals } from '../../../src/aws/things/sync-things.js';
import { denying, settings, startRegistry, type TestRegistry } from './support/registry.js';
import { createTestMemory } from './support/thing-memory.js';

const things = { ...settings, attributes: {} };

async function* devicesOf(...deviceIds: string[]): AsyncIterable<{ deviceId: string }> {
  for (const deviceId of deviceIds) yield { deviceId };
}

interface Synced {
  readonly totals: SyncTotals;
  /** `state thing result`, sorted. */
  readonly differences: string[];
}

const sync = async ({ options, address }: TestRegistry, deviceIds: readonly string[], more: Partial<SyncOptions> = {}): Promise<Synced> => {
  const differences: SyncDifference[] = [];
  const totals = await syncThings({
    connectionId: 'main',
    registry: options,
    things,
    certificate: { certificateId: address.certificateArn },
    devices: devicesOf(...deviceIds),
    memory: createTestMemory(),
    apply: false,
    onDifference: (difference) => void differences.push(difference),
    ...more,
  });
  return { totals, differences: differences.map(({ state, thingName = '?', result = '-' }) => `${state} ${thingName} ${result}`).sort() };
};

/** A thing of ours as it should be, one of another type, one nobody heard of, and one of another system. */
const fill = async ({ client }: TestRegistry): Promise<void> => {
  for (const type of ['lorawan', 'other']) await client.createThingType(type);
  const attributes = { managedBy: 'lpwan-bridge' };
  await client.createThing({ name: 'OK', attributes, typeName: 'lorawan' });
  await client.createThing({ name: 'TYPE', attributes, typeName: 'other' });
  await client.createThing({ name: 'OLD', attributes, typeName: 'lorawan' });
  await client.createThing({ name: 'THEIRS', attributes: {} });
};

const heard = ['ok', 'type', 'theirs', 'new', 'a b'];

void t.test('differences are told, and nothing is touched', async (t) => {
  const registry = await startRegistry(t);
  await fill(registry);
  const before = registry.calls('CreateThing');
  const { totals, differences } = await sync(registry, heard);
  t.strictSame(differences, ['foreign THEIRS -', 'missing NEW -', 'unknown OLD -', 'unnamed ? -', 'wrong_type TYPE -']);
  t.strictSame(totals, { ok: 1, missing: 1, unknown: 1, wrong_type: 1, foreign: 1, unnamed: 1, made: 0, mended: 0, failed: 0 });
  t.equal(registry.calls('CreateThing'), before);
  t.equal(registry.calls('UpdateThing'), 0);
});

void t.test('applied, what is missing is made and what is wrong is mended; nothing is deleted or taken', async (t) => {
  const registry = await startRegistry(t);
  await fill(registry);
  const memory = createTestMemory();
  const { totals, differences } = await sync(registry, heard, { apply: true, memory });
  t.strictSame(differences, ['foreign THEIRS -', 'missing NEW made', 'unknown OLD -', 'unnamed ? -', 'wrong_type TYPE mended']);
  t.match(totals, { made: 1, mended: 1, failed: 0 });
  t.match(await registry.client.describeThing('TYPE'), { typeName: 'lorawan' });
  t.strictSame(await registry.principalsOf('NEW'), [registry.address.certificateArn]);
  t.strictSame(await registry.client.describeThing('THEIRS'), { name: 'THEIRS', attributes: {} });
  t.not(await registry.client.describeThing('OLD'), undefined);
  t.match(memory.get('new'), { state: 'ready', thingName: 'NEW' });
  const again = await sync(registry, heard, { apply: true, memory });
  t.strictSame(again.differences, ['foreign THEIRS -', 'unknown OLD -', 'unnamed ? -']);
});

void t.test('things of another system are taken over where that is asked for', async (t) => {
  const registry = await startRegistry(t);
  await fill(registry);
  const { differences } = await sync(registry, ['theirs'], { apply: true, things: { ...things, takeOver: true } });
  t.ok(differences.includes('foreign THEIRS mended'));
  t.match(await registry.client.describeThing('THEIRS'), { attributes: { managedBy: 'lpwan-bridge' } });
});

void t.test('names come from what is remembered; where nothing is, a device may have none', async (t) => {
  const registry = await startRegistry(t);
  const memory = createTestMemory();
  memory.put({ connectionId: 'main', deviceId: 'a1', thingName: 'pump7', state: 'pending', since: 1, attributes: { managedBy: 'lpwan-bridge' } });
  const { differences } = await sync(registry, ['a1', 'b2'], { memory, things: { ...things, name: '{deviceName}' } });
  t.strictSame(differences, ['missing pump7 -', 'unnamed ? -']);
});

void t.test('over more than one page, with many devices', async (t) => {
  const registry = await startRegistry(t);
  const devices = Array.from({ length: 300 }, (_, index) => `d${index}`);
  const { totals } = await sync(registry, devices, { apply: true });
  t.match(totals, { missing: 300, made: 300 });
  t.match((await sync(registry, devices)).totals, { ok: 300, missing: 0, unknown: 0 });
});

void t.test('what fails for one thing is told with it; what fails for all ends the comparison', async (t) => {
  const registry = await startRegistry(t);
  registry.sandbox.setIamPolicy(denying('iot:CreateThing'));
  t.strictSame((await sync(registry, ['new'], { apply: true })).differences, ['missing NEW failed']);
  registry.sandbox.setIamPolicy(denying('iot:ListThings'));
  await t.rejects(sync(registry, ['new']), { reason: 'registry_forbidden', message: /iot:ListThings on \*/ });
  registry.sandbox.setIamPolicy(denying('iot:DescribeThing'));
  await t.rejects(sync(registry, ['new', 'new2', 'new3']), { reason: 'registry_forbidden', message: /iot:DescribeThing/ });
});
