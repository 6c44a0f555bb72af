import t from 'tap';
import { BridgeError } from '../../src/errors.js';
import type { WebhookRequest } from '../../src/network-servers/network-server.js';
import { messageNames } from '../../src/network-servers/the-things-stack/envelope.js';
import { theThingsStack } from '../../src/network-servers/the-things-stack/parse.js';
import { readFixtures, runAdapter, type RequestParts, requestOfFile } from '../support/golden.js';

const requestOf = (document: unknown, parts: RequestParts = {}): WebhookRequest => requestOfFile('.json', Buffer.from(JSON.stringify(document)), parts);

const messagesOf = (document: unknown, parts: RequestParts = {}) => {
  const outcome = runAdapter(theThingsStack, requestOf(document, parts));
  if ('error' in outcome) throw outcome.error;
  return outcome.messages;
};

const errorOf = (request: WebhookRequest): BridgeError => {
  const outcome = runAdapter(theThingsStack, request);
  if ('error' in outcome) return outcome.error;
  throw new Error('the request was accepted');
};

const keyOf = (document: unknown): string => messagesOf(document)[0]?.idempotencyKey ?? '';

const ids = { device_id: 'pump-1', application_ids: { application_id: 'mine' }, dev_eui: '0011223344556677' };
const uplink = { session_key_id: 'AQID', f_port: 1, f_cnt: 5, frm_payload: 'AQ==', received_at: '2026-01-01T00:00:00.1Z' };
const document = { end_device_ids: ids, correlation_ids: ['gs:uplink:1'], received_at: '2026-01-01T00:00:00.2Z', uplink_message: uplink };

void t.test('every message of The Things Stack has a fixture that is accepted', async (t) => {
  const bodies = readFixtures('the-things-stack').fixtures.filter(({ expected }) => expected.messages !== undefined);
  const seen = new Set(bodies.flatMap(({ request }) => Object.keys(JSON.parse(request.body.toString()) as object)));
  t.strictSame(messageNames.filter((name) => !seen.has(name)), []);
});

void t.test('a retry, which has the same body, has the same keys', async (t) => {
  for (const { name, request, expected } of readFixtures('the-things-stack').fixtures) {
    if (expected.messages === undefined) continue;
    const keys = () => messagesOf(JSON.parse(request.body.toString()), expected.request).map(({ idempotencyKey }) => idempotencyKey);
    t.strictSame(keys(), keys(), name);
    t.equal(new Set(keys()).size, keys().length, `${name}: each message has a key of its own`);
  }
});

void t.test('two webhooks with different field masks report one uplink', async (t) => {
  const correlated = { ...document, correlation_ids: ['gs:uplink:1', 'as:up:7'] };
  const masked = { ...correlated, received_at: undefined, uplink_message: { session_key_id: 'AQID', f_cnt: 5 } };
  t.equal(keyOf(correlated), keyOf(masked));
});

void t.test('the Application Server repeats an uplink of the Network Server: the Network Server time is what counts', async (t) => {
  t.equal(keyOf(document), keyOf({ ...document, received_at: '2026-01-01T00:00:09Z' }));
});

void t.test('uplinks that are not the same have different keys', async (t) => {
  const variants: [string, unknown][] = [
    ['the next FCnt', { ...document, uplink_message: { ...uplink, f_cnt: 6 } }],
    ['the same FCnt after the counter of an ABP device was reset', { ...document, uplink_message: { ...uplink, received_at: '2026-01-01T01:00:00Z' } }],
    ['the same FCnt in another session', { ...document, uplink_message: { ...uplink, session_key_id: 'BAUG' } }],
    ['the same device id in another application', { ...document, end_device_ids: { ...ids, application_ids: { application_id: 'yours' } } }],
    ['a simulation', { ...document, simulated: true }],
    ['a normalised measurement of it', { ...document, uplink_message: undefined, uplink_normalized: { ...uplink, normalized_payload: { air: {} } } }],
  ];
  for (const [name, variant] of variants) t.not(keyOf(variant), keyOf(document), name);
});

void t.test('without session, time and correlation id the payload and FPort are what is left', async (t) => {
  const bare = (message: object) => keyOf({ end_device_ids: ids, uplink_message: message });
  t.equal(bare({ f_port: 1, frm_payload: 'AQ==' }), bare({ f_port: 1, frm_payload: 'AQ' }), 'the same bytes');
  t.not(bare({ f_port: 1, frm_payload: 'AQ==' }), bare({ f_port: 1, frm_payload: 'Ag==' }));
  t.not(bare({ f_port: 1, frm_payload: 'AQ==' }), bare({ f_port: 2, frm_payload: 'AQ==' }));
});

void t.test('two measurements of one uplink have different keys', async (t) => {
  const measured = (normalized_payload: object) => keyOf({ ...document, uplink_message: undefined, uplink_normalized: { ...uplink, normalized_payload } });
  t.not(measured({ air: { temperature: 1 } }), measured({ air: { temperature: 2 } }));
});

void t.test('attempts of one downlink have different keys', async (t) => {
  const nack = (received_at: string, attempt: number) =>
    keyOf({ end_device_ids: ids, received_at, downlink_nack: { f_port: 1, f_cnt: 1, correlation_ids: ['a'], confirmed_retry: { attempt, max_attempts: 3 } } });
  t.not(nack('2026-01-01T00:00:00Z', 1), nack('2026-01-01T00:00:00Z', 2));
  t.not(nack('2026-01-01T00:00:00Z', 1), nack('2026-01-01T00:01:00Z', 1));
});

void t.test('the last attempt of a downlink is not announced as being tried again', async (t) => {
  const [message] = messagesOf({ end_device_ids: ids, downlink_nack: { confirmed_retry: { attempt: 3, max_attempts: 3 } } });
  t.match(message?.fields, { state: 'failed', cause: { text: 'the device did not acknowledge attempt 3 of 3' } });
});

void t.test('the ids in the body go before those in the query and in X-Downlink-Push', async (t) => {
  const headers = { 'x-downlink-push': 'https://example.com/api/v3/as/applications/c/webhooks/w/devices/third/down/push' };
  const name = (end_device_ids: unknown, query: string) => messagesOf({ end_device_ids, join_accept: {} }, { query, headers })[0]?.fields.deviceId;
  t.equal(name({ device_id: 'first' }, 'deviceID=second'), 'first');
  t.equal(name({}, 'devID=second'), 'second');
  t.equal(name(undefined, 'devEUI='), 'third', 'a variable without a value leaves an empty text');
});

void t.test('an error says what is wrong', async (t) => {
  const malformed = errorOf({ ...requestOf({}), body: Buffer.from('{"uplink_message": {]') });
  t.match(malformed.message, /not valid JSON: .*position 20|not valid JSON: Unexpected token/);
  const unsupported = errorOf(requestOf({ end_device_ids: ids, gateway_status: {} }));
  t.match(unsupported.detail, /end_device_ids, gateway_status$/);
  const many = errorOf(requestOf(Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`${'k'.repeat(90)}${index}`, 1]))));
  t.ok(many.message.length < 600, 'a long list of long keys is cut');
});

void t.test('the downlink API key of the request is in no message and no error', async (t) => {
  const headers = { 'x-downlink-apikey': 'NNSXS.MARKER', 'x-downlink-push': 'https://example.com/api/v3/as/applications/a/webhooks/w/devices/d/down/push' };
  t.notMatch(JSON.stringify(messagesOf({ uplink_message: {} }, { headers })), /MARKER/);
  t.notMatch(errorOf(requestOf({}, { headers })).message, /MARKER/);
});

void t.test('a key named __proto__ is a key like others', async (t) => {
  const body = '{"end_device_ids":{"device_id":"d"},"__proto__":{"polluted":1},"uplink_message":{"attributes":{"__proto__":"tag"}}}';
  const outcome = runAdapter(theThingsStack, requestOfFile('.json', Buffer.from(body)));
  t.ok('messages' in outcome);
  t.notOk('polluted' in {});
});
