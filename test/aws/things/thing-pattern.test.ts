import t from 'tap';
import { attributeValue, checkThingName } from '../../../src/aws/things/thing-rules.js';
import { compileThingPattern, type ThingDraft, type ThingSettings } from '../../../src/aws/things/thing-pattern.js';
import type { UplinkFields } from '../../../src/messages/message.js';
import { uplinkOf } from './support/registrar.js';
import { settings } from './support/registry.js';

const deviceId = '0018b20000000001';

const draft = (changes: Partial<ThingSettings>, more: Partial<UplinkFields> = {}): ThingDraft => {
  const made = compileThingPattern({ ...settings, ...changes }).draftOf(uplinkOf(deviceId, more));
  if ('invalid' in made) throw made.invalid;
  return made.draft;
};

void t.test('names and attributes are rendered from a message', async (t) => {
  const made = draft({ name: 'site:{networkServer}_{devEui}', attributes: { name: '{deviceName}', site: '{$.device.tags.site}' } }, { device: { name: 'Pump 7', tags: { site: 'Paris/Nord' } } });
  t.strictSame(made, { thingName: `site:factory_${deviceId}`, attributes: { name: 'Pump_7', site: 'Paris/Nord', managedBy: 'lpwan-bridge' } });
});

void t.test('an attribute without a value is left out, one with a fallback is not', async (t) => {
  const made = draft({ attributes: { name: '{deviceName}', app: "{application|'none'}" } });
  t.strictSame(made.attributes, { app: 'none', managedBy: 'lpwan-bridge' });
});

void t.test('characters that AWS does not take in a value become _, and long ones are cut', async (t) => {
  t.equal(attributeValue('Café "à côté" 100 % + more'), 'Caf_____c_t___100_____more');
  t.equal(attributeValue('a_.,@/:#=[]-Z9'), 'a_.,@/:#=[]-Z9');
  t.equal(attributeValue('\u{1F600}'), '_', 'one for a character outside the basic plane');
  t.equal(attributeValue('x'.repeat(900)).length, 800);
});

const wrong: readonly { readonly name: string; readonly changes: Partial<ThingSettings>; readonly device?: string; readonly says: RegExp }[] = [
  { name: 'a name with a space', changes: { name: '{deviceName}' }, device: 'Pump 7', says: /Pump 7.*letters, digits/ },
  { name: 'a name with a slash', changes: { name: 'a/{DevEUI}' }, says: /a\/0018B/ },
  { name: 'a name with a dot', changes: { name: '{deviceName}' }, device: 'a.b', says: /a\.b/ },
  { name: 'a name that is too long', changes: { name: '{deviceName}' }, device: 'x'.repeat(129), says: /1 to 128/ },
  { name: 'a name without a value', changes: { name: '{deviceName}' }, says: /no value for \{deviceName\}/ },
  { name: 'an attribute with a wrong name', changes: { attributes: { 'a b': 'x' } }, says: /attribute name "a b"/ },
  { name: 'four attributes without a thing type', changes: { attributes: { a: '1', b: '2', c: '3' }, deviceType: undefined } as unknown as Partial<ThingSettings>, says: /4 attributes.*AWS takes 3/ },
  { name: 'fifty-one attributes with one', changes: { attributes: Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`a${index}`, 'x'])) }, says: /51 attributes.*AWS takes 50/ },
];

for (const { name, changes, device, says } of wrong) {
  void t.test(name, async (t) => {
    t.throws(() => draft(changes, device === undefined ? {} : { device: { name: device } }), { reason: 'thing_invalid', message: says });
  });
}

void t.test('a name may have 128 characters, and colons', async (t) => {
  t.equal(checkThingName(`${'x'.repeat(126)}:-`).length, 128);
  t.throws(() => checkThingName(''), { name: 'BridgeError', reason: 'thing_invalid' });
});

void t.test('where only the device id is known, nothing is made up', async (t) => {
  const pattern = compileThingPattern({ ...settings, attributes: { name: "{deviceName|'none'}", eui: '{devEui}', fixed: 'yes' } });
  t.strictSame(pattern.draftOfId(deviceId), { thingName: deviceId.toUpperCase(), attributes: { eui: deviceId, fixed: 'yes', managedBy: 'lpwan-bridge' } });
  t.equal(compileThingPattern({ ...settings, name: '{deviceName|DevEUI}' }).draftOfId(deviceId), undefined, 'another message could give another name');
});

void t.test('a pattern that cannot be read is a wrong configuration', async (t) => {
  t.throws(() => compileThingPattern({ ...settings, name: '{DevEui}' }), { name: 'BridgeError', reason: 'config_invalid' });
  t.throws(() => compileThingPattern({ ...settings, attributes: { a: '{' } }), { name: 'BridgeError', reason: 'config_invalid' });
});
