import t from 'tap';
import { eventNames } from '../../src/network-servers/chirpstack/event-name.js';
import { chirpstack } from '../../src/network-servers/chirpstack/parse.js';
import type { ParsedMessage } from '../../src/network-servers/network-server.js';
import { readFixtures, requestOfFile, runAdapter } from '../support/golden.js';

const outcomeOf = (event: string, document: unknown) => runAdapter(chirpstack, requestOfFile('.json', Buffer.from(JSON.stringify(document)), { query: `event=${event}` }));

const messageOf = (event: string, document: unknown): ParsedMessage => {
  const outcome = outcomeOf(event, document);
  if ('error' in outcome) throw outcome.error;
  const [message, ...others] = outcome.messages;
  if (message === undefined || others.length > 0) throw new Error('one event is one message');
  return message;
};

const keyOf = (event: string, document: unknown): string => messageOf(event, document).idempotencyKey;

const v4 = { deduplicationId: '11111111-2222-4333-8444-555555555555', time: '2026-01-01T00:00:00Z', deviceInfo: { devEui: '0011223344556677' } };
const v3 = { applicationID: '1', devEUI: 'ABEiM0RVZnc=' };

void t.test('every event of ChirpStack 4 and 3 has a fixture that is accepted', async (t) => {
  const accepted = readFixtures('chirpstack').fixtures.filter(({ expected }) => expected.messages !== undefined);
  const eventsOf = (version: string) => new Set(accepted.filter(({ name }) => name.startsWith(version)).map(({ name }) => name.split(/[-.]/)[1]));
  t.strictSame(eventNames.filter((event) => !eventsOf('v4').has(event)), ['error'], 'ChirpStack 4 has log in its place');
  t.strictSame(eventNames.filter((event) => !eventsOf('v3').has(event)), ['log'], 'ChirpStack 3 has error in its place');
});

void t.test('an uplink that comes again through another path of the network has the same key', async (t) => {
  const up = { ...v4, fCnt: 1, fPort: 1, data: 'AQ==' };
  t.equal(keyOf('up', up), keyOf('up', { ...up, rxInfo: [] }));
  t.not(keyOf('up', up), keyOf('up', { ...up, deduplicationId: '99999999-2222-4333-8444-555555555555' }));
});

void t.test('events of one uplink share its deduplication id and have different keys', async (t) => {
  const location = (latitude: number) => ({ ...v4, location: { latitude, longitude: 1 } });
  const keys = [
    keyOf('up', v4), keyOf('join', v4), keyOf('ack', v4), keyOf('status', v4),
    keyOf('location', location(1)), keyOf('location', location(2)),
    keyOf('integration', { ...v4, eventType: 'a' }), keyOf('integration', { ...v4, eventType: 'b' }),
  ];
  t.equal(new Set(keys).size, keys.length);
});

void t.test('events without a deduplication id are told apart by time and content', async (t) => {
  const log = { time: v4.time, deviceInfo: v4.deviceInfo, level: 'ERROR', code: 'OTAA', description: 'a' };
  t.equal(keyOf('log', log), keyOf('log', { ...log }));
  t.not(keyOf('log', log), keyOf('log', { ...log, description: 'b' }));
  t.not(keyOf('log', log), keyOf('log', { ...log, time: '2026-01-01T00:00:01Z' }));
  t.not(keyOf('txack', { ...log, downlinkId: 1 }), keyOf('txack', { ...log, downlinkId: 2 }));
});

void t.test('ChirpStack 3: the same uplink again has the same key, the next one another', async (t) => {
  const up = { ...v3, fCnt: 1, fPort: 1, data: 'AQ==', rxInfo: [{ gatewayID: 'ABEiM0RVZnc=', time: '2021-01-01T00:00:00Z' }] };
  t.equal(keyOf('up', up), keyOf('up', { ...up }));
  t.not(keyOf('up', up), keyOf('up', { ...up, fCnt: 2 }));
  t.not(keyOf('up', up), keyOf('up', { ...up, rxInfo: [{ gatewayID: 'ABEiM0RVZnc=', time: '2021-01-01T00:00:01Z' }] }), 'after a counter reset');
});

void t.test('ChirpStack 3: one DevEUI in each of its spellings is one device', async (t) => {
  for (const devEUI of ['ABEiM0RVZnc=', 'ABEiM0RVZnc', '0011223344556677']) {
    t.match(messageOf('status', { ...v3, devEUI }).fields, { deviceId: '0011223344556677', devEui: '0011223344556677' }, devEUI);
  }
  for (const devEUI of ['++++++++++8=', '__________8=']) t.match(messageOf('status', { ...v3, devEUI }).fields.deviceId, /^f[0-9a-f]{15}$/, devEUI);
});

void t.test('ChirpStack 3: a DevAddr in base64 is as long as one in hex', async (t) => {
  t.equal(messageOf('join', { ...v3, devAddr: 'AKu8mQ==' }).fields.devAddr, '00abbc99');
  t.equal(messageOf('join', { ...v3, devAddr: '00ABBC99' }).fields.devAddr, '00abbc99');
});

void t.test('the error of an unknown event quotes a long name in part', async (t) => {
  const outcome = outcomeOf('x'.repeat(5000), v4);
  t.ok('error' in outcome && outcome.error.reason === 'unsupported_document' && outcome.error.message.length < 100);
});
