import t from 'tap';
import { createMatch, type Flow, type Target } from '../../src/flows/match.js';
import { matches, type Matcher } from '../../src/flows/matcher.js';
import { shapePayload } from '../../src/flows/shape.js';
import type { Message, MessageFields } from '../../src/messages/message.js';
import { compileTypePatterns } from '../../src/topics/type-patterns.js';

const target = (connectionId: string, change: Partial<Target> = {}): Target => ({ connectionId, format: 'normalised', patterns: compileTypePatterns('x/{DevEUI}/uplink'), validityMs: 0, uplinksOnly: false, ...change });
const targets = (...list: readonly Target[]): ReadonlyMap<string, Target> => new Map(list.map((one) => [one.connectionId, one]));
const message = (fields: Partial<MessageFields> & Record<string, unknown> = {}, networkServer = 'factory'): Message =>
  ({ id: '0', receivedAt: '2026-11-21T00:00:00.000Z', networkServer: { id: networkServer, kind: 'chirpstack' }, type: 'uplink', deviceId: '0018b20000000005', payload: '00', ...fields }) as Message;
const flow = (change: Partial<Flow> & Pick<Flow, 'connections'>): Flow => ({ matchers: [], ...change });
const idsOf = (found: { readonly targets: readonly Target[] }): string[] => found.targets.map(({ connectionId }) => connectionId);

void t.test('zero, one and several connections', async (t) => {
  t.strictSame(createMatch(targets(), [])(message()), { targets: [], filtered: 'no_connection' });
  t.strictSame(idsOf(createMatch(targets(target('a')), [])(message())), ['a'], 'everything goes to the only one');
  t.strictSame(createMatch(targets(target('a'), target('b')), [])(message()), { targets: [], filtered: 'no_flow' });
  t.strictSame(createMatch(targets(target('a')), [flow({ connections: ['a'], networkServers: ['other'] })])(message()), { targets: [], filtered: 'no_flow' }, 'with a flow, only what it names');
});

void t.test('several flows send one message to several connections, each once', async (t) => {
  const match = createMatch(targets(target('a'), target('b'), target('c')), [
    flow({ connections: ['a', 'b'], validityMs: 5_000 }),
    flow({ connections: ['b', 'c'], networkServers: ['factory'], validityMs: 9_000 }),
    flow({ connections: ['gone'] }),
  ]);
  const found = match(message());
  t.strictSame(found.targets.map(({ connectionId, validityMs }) => [connectionId, validityMs]), [['a', 5_000], ['b', 5_000], ['c', 9_000]], 'the first flow that names a connection says how long');
  t.strictSame(idsOf(match(message({}, 'other'))), ['a', 'b']);
});

void t.test('connections that take uplinks only', async (t) => {
  const match = createMatch(targets(target('a', { uplinksOnly: true }), target('b')), [flow({ connections: ['a', 'b'] })]);
  t.strictSame(idsOf(match(message())), ['a', 'b']);
  t.strictSame(idsOf(match(message({ type: 'join' }))), ['b']);
  t.strictSame(createMatch(targets(target('a', { uplinksOnly: true })), [])(message({ type: 'join' })), { targets: [], filtered: 'type_not_wanted' });
});

const tagged = { device: { tags: { red: '', site: 'Paris' }, application: 'parking', applicationId: '17' }, fPort: 12 };
const cases: readonly { name: string; matcher: Matcher; holds: boolean; fields?: Record<string, unknown> }[] = [
  { name: 'nothing asked', matcher: {}, holds: true },
  { name: 'all tags there', matcher: { tags: ['red', 'site=Paris'] }, holds: true },
  { name: 'a key alone', matcher: { tags: ['site'] }, holds: true },
  { name: 'a colon between', matcher: { tags: ['site:Paris'] }, holds: true },
  { name: 'one tag missing', matcher: { tags: ['red', 'blue'] }, holds: false },
  { name: 'another value', matcher: { tags: ['site=Lyon'] }, holds: false },
  { name: 'two ThingPark tags of one key', matcher: { tags: ['site=A', 'site=B'] }, fields: { device: {}, native: { CustomerData: { tags: ['site=A', 'site=B'] } } }, holds: true },
  { name: 'a device', matcher: { devices: [{ from: '0018b20000000005', to: '0018b20000000005' }] }, holds: true },
  { name: 'a range, its ends included', matcher: { devices: [{ from: '0018b20000000001', to: '0018b20000000005' }] }, holds: true },
  { name: 'outside a range', matcher: { devices: [{ from: '0018b20000000006', to: '0018b200000000ff' }] }, holds: false },
  { name: 'a range of shorter ids', matcher: { devices: [{ from: '0', to: 'ffffffff' }] }, holds: false },
  { name: 'one of two ranges', matcher: { devices: [{ from: '1', to: '2' }, { from: '0018b20000000005', to: '0018b20000000005' }] }, holds: true },
  { name: 'an application by name', matcher: { applications: ['parking'] }, holds: true },
  { name: 'an application by id', matcher: { applications: ['17'] }, holds: true },
  { name: 'another application', matcher: { applications: ['18'] }, holds: false },
  { name: 'an FPort', matcher: { fPorts: [{ from: 10, to: 12 }] }, holds: true },
  { name: 'another FPort', matcher: { fPorts: [{ from: 1, to: 11 }] }, holds: false },
  { name: 'no FPort at all', matcher: { fPorts: [{ from: 0, to: 255 }] }, fields: { type: 'join', fPort: undefined }, holds: false },
  { name: 'a type', matcher: { types: ['join', 'uplink'] }, holds: true },
  { name: 'another type', matcher: { types: ['join'] }, holds: false },
  { name: 'all of them', matcher: { tags: ['red'], applications: ['parking'], fPorts: [{ from: 12, to: 12 }], types: ['uplink'] }, holds: true },
  { name: 'all but one', matcher: { tags: ['red'], applications: ['parking'], fPorts: [{ from: 13, to: 13 }], types: ['uplink'] }, holds: false },
];

void t.test('the conditions of a matcher', async (t) => {
  for (const { name, matcher, holds, fields } of cases) t.equal(matches(message({ ...tagged, ...fields }), matcher), holds, name);
});

void t.test('any matcher of a flow suffices', async (t) => {
  const match = createMatch(targets(target('a')), [flow({ connections: ['a'], matchers: [{ tags: ['blue'] }, { types: ['uplink'] }] })]);
  t.strictSame(idsOf(match(message(tagged))), ['a']);
  t.equal(match(message({ ...tagged, type: 'join' })).filtered, 'no_flow');
});

void t.test('unwrapped takes the one root key off', async (t) => {
  const shaped = (text: string): string => shapePayload('unwrapped', message(), Buffer.from(text)).toString();
  t.equal(shaped('{"DevEUI_uplink":{"FPort":1}}'), '{"FPort":1}');
  t.equal(shaped('{"one":{},"two":{}}'), '{"one":{},"two":{}}', 'a document of another network server stays as it is');
  t.equal(shaped('{"one":1}'), '{"one":1}');
  t.equal(shaped('<DevEUI_uplink/>'), '<DevEUI_uplink/>', 'XML stays as it is');
});
