import t from 'tap';
import type { DownlinkDraft } from '../../src/downlink/downlink-draft.js';
import { parseDownlink } from '../../src/downlink/parse-downlink.js';
import { BridgeError } from '../../src/errors.js';

const deviceId = '24e124c3b1a70042';
const receivedAt = Date.parse('2026-11-21T10:00:00.000Z');

const parse = (body: unknown) => parseDownlink(Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), { deviceId, receivedAt });

interface Good {
  readonly name: string;
  readonly body: unknown;
  readonly drafts: readonly Partial<DownlinkDraft>[];
}

const plain = { confirmed: false, flush: false };
const native = { ...plain, fPortField: 'fPort' };
const thingpark = { ...plain, fPortField: 'DevEUI_downlink.FPort' };
const stack = (index: number) => ({ ...plain, fPortField: `downlinks[${index}].f_port` });

const good: readonly Good[] = [
  {
    name: 'native with everything',
    body: { fPort: 5, payload: '0A0b', confirmed: true, flush: true, validUntil: '2026-11-21T12:00:00+01:00', correlationId: 'c-1', deviceId: deviceId.toUpperCase(), devEui: deviceId },
    drafts: [{ fPortField: 'fPort', fPort: 5, payload: '0a0b', confirmed: true, flush: true, validUntil: Date.parse('2026-11-21T11:00:00Z'), correlationId: 'c-1' }],
  },
  { name: 'native with the least', body: { payload: '' }, drafts: [{ ...native, payload: '' }] },
  { name: 'native with a null instead of nothing', body: { payload: '00', fPort: null, correlationId: null, validUntil: null }, drafts: [{ ...native, payload: '00' }] },
  { name: 'native with an object', body: { fPort: 1, payload: { led: { on: true } } }, drafts: [{ ...native, fPort: 1, object: { led: { on: true } } }] },
  { name: 'native base64', body: { fPort: 223, payload: 'SGVsbG8=' }, drafts: [{ ...native, fPort: 223, payload: '48656c6c6f' }] },
  { name: 'native that is both counts as hex', body: { payload: 'deadbeef' }, drafts: [{ ...native, payload: 'deadbeef' }] },
  { name: 'native said to be base64', body: { payload: 'deadbeef', payloadEncoding: 'base64' }, drafts: [{ ...native, payload: '75e69d6de79f' }] },
  { name: 'native said to be hex', body: { payload: 'BEEF', payloadEncoding: 'hex' }, drafts: [{ ...native, payload: 'beef' }] },
  { name: 'native of the longest payload', body: { payload: 'ab'.repeat(242) }, drafts: [{ ...native, payload: 'ab'.repeat(242) }] },
  { name: 'native with a byte order mark and no zone', body: `\uFEFF{"payload":"01","validUntil":"2026-11-21T12:00"}`, drafts: [{ ...native, payload: '01', validUntil: Date.parse('2026-11-21T12:00:00Z') }] },
  { name: 'native with a number as correlation id', body: { payload: '01', correlationId: 17 }, drafts: [{ ...native, payload: '01', correlationId: '17' }] },
  {
    name: 'ThingPark with everything',
    body: {
      DevEUI_downlink: {
        Time: '2026-11-21T10:00:00.000+00:00', DevEUI: deviceId.toUpperCase(), FPort: '7', payload_hex: 'FF00', Confirmed: '1', FlushDownlinkQueue: 1, ValidityTime: '2026-11-21T11:00:00Z',
        CorrelationID: '0123456789ABCDEF', FCntDn: '12', AFCntDn: 3, RetryIneligibleGateways: '1', AS_ID: 'TWA_1.2.AS', AS_KEY: 'secret', Token: 'ab', DriverCfg: { mod: { pId: 'x' } }, Unknown: 1,
      },
    },
    drafts: [{
      ...thingpark, fPort: 7, payload: 'ff00', confirmed: true, flush: true, validUntil: Date.parse('2026-11-21T11:00:00Z'), correlationId: '0123456789ABCDEF',
      options: { FCntDn: 12, AFCntDn: 3, RetryIneligibleGateways: true, DriverCfg: { mod: { pId: 'x' } } },
    }],
  },
  { name: 'ThingPark with an object and seconds', body: { DevEUI_downlink: { payload: { a: 1 }, ValidityTime: '90' } }, drafts: [{ ...thingpark, object: { a: 1 }, validUntil: receivedAt + 90_000 }] },
  { name: 'ThingPark with seconds as a number', body: { DevEUI_downlink: { payload_hex: '', ValidityTime: 1.5, Confirmed: 0, FlushDownlinkQueue: 'false' } }, drafts: [{ ...thingpark, payload: '', validUntil: receivedAt + 1_500 }] },
  {
    name: 'The Things Stack with several',
    body: {
      end_device_ids: { device_id: 'x', dev_eui: deviceId.toUpperCase() },
      downlinks: [
        { f_port: 10, frm_payload: 'Af8=', confirmed: true, priority: 'HIGH', correlation_ids: ['a', 'b'], class_b_c: { gateways: [] }, confirmed_retry: { max_attempts: 3 } },
        { f_port: 11, decoded_payload: { on: false } },
        { frm_payload: '' },
      ],
    },
    drafts: [
      { ...stack(0), fPort: 10, payload: '01ff', confirmed: true, correlationId: 'a', options: { priority: 'HIGH', class_b_c: { gateways: [] }, confirmed_retry: { max_attempts: 3 }, correlation_ids: ['a', 'b'] } },
      { ...stack(1), fPort: 11, object: { on: false } },
      { ...stack(2), payload: '' },
    ],
  },
];

for (const { name, body, drafts } of good) {
  void t.test(`reads ${name}`, async (t) => t.strictSame(parse(body), drafts.map((draft) => ({ kind: 'draft', draft }))));
}

interface Bad {
  readonly name: string;
  readonly body: unknown;
  readonly reason?: string;
  readonly field?: string;
  readonly says?: RegExp;
  readonly correlationId?: string;
}

const nested = (levels: number): string => `{"payload":${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}}`;
const tp = (fields: object) => ({ DevEUI_downlink: { CorrelationID: 'c', ...fields } });
const one = (fields: object) => ({ downlinks: [{ correlation_ids: ['c'], ...fields }] });

const bad: readonly Bad[] = [
  { name: 'nothing', body: '', reason: 'malformed_body' },
  { name: 'broken JSON', body: '{"fPort":', reason: 'malformed_body' },
  { name: 'bytes that are no text', body: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), reason: 'malformed_body', says: /UTF-8/ },
  { name: 'a list', body: [], field: 'body' },
  { name: 'a number', body: '17', field: 'body' },
  { name: 'null', body: 'null', field: 'body' },
  { name: 'too deep', body: nested(65), reason: 'malformed_body', says: /64/ },
  { name: 'far too deep', body: nested(10_000), reason: 'malformed_body', says: /64/ },
  { name: 'too long a message', body: { payload: '00', correlationId: 'x'.repeat(140_000) }, reason: 'malformed_body', says: /131072/ },
  { name: 'none of the forms', body: { DevEUI_uplink: {} }, field: 'DevEUI_uplink', says: /no key of a downlink/ },
  { name: 'a misspelt key', body: { payload: '00', validUntill: 'x', correlationId: 'c' }, field: 'validUntill', correlationId: 'c' },
  { name: 'native without payload', body: { fPort: 1 }, field: 'payload' },
  { name: 'native with a number', body: { payload: 1 }, field: 'payload' },
  { name: 'native with a list', body: { payload: [1] }, field: 'payload' },
  { name: 'native with neither hex nor base64', body: { payload: '0a0' }, field: 'payload' },
  { name: 'native with base64 without padding', body: { payload: 'SGVsbG8' }, field: 'payload' },
  { name: 'native with base64 of web addresses', body: { payload: '_-__' }, field: 'payload' },
  { name: 'native hex that is none', body: { payload: '0g', payloadEncoding: 'hex' }, field: 'payload', says: /hexadecimal/ },
  { name: 'native base64 that is none', body: { payload: '0a0', payloadEncoding: 'base64' }, field: 'payload', says: /base64/ },
  { name: 'native with another encoding', body: { payload: '0a', payloadEncoding: 'ascii' }, field: 'payloadEncoding' },
  { name: 'native with an encoded object', body: { payload: {}, payloadEncoding: 'hex' }, field: 'payloadEncoding' },
  { name: 'native with 243 bytes', body: { payload: '00'.repeat(243) }, field: 'payload', says: /242 bytes, is 243/ },
  ...[0, 224, 1.5, -1, '1.5', 'one', true, {}, '1e2'].map((fPort) => ({ name: `native with FPort ${JSON.stringify(fPort)}`, body: { payload: '00', fPort, correlationId: 'c' }, field: 'fPort', says: /1 to 223/, correlationId: 'c' })),
  { name: 'native with a wrong flag', body: { payload: '00', confirmed: 'yes' }, field: 'confirmed' },
  { name: 'native with a wrong flush', body: { payload: '00', flush: 2 }, field: 'flush' },
  { name: 'native with a wrong time', body: { payload: '00', validUntil: 'tomorrow' }, field: 'validUntil' },
  { name: 'native with a date that does not exist', body: { payload: '00', validUntil: '2026-13-41T00:00:00Z' }, field: 'validUntil' },
  { name: 'native with a time in seconds', body: { payload: '00', validUntil: 1_800_000_000 }, field: 'validUntil' },
  { name: 'native with another device', body: { payload: '00', deviceId: '24e124c3b1a70043' }, field: 'deviceId' },
  { name: 'native with another DevEUI', body: { payload: '00', devEui: '24e124c3b1a70043' }, field: 'devEui' },
  { name: 'native with a long correlation id', body: { payload: '00', correlationId: 'x'.repeat(129) }, field: 'correlationId' },
  { name: 'native with an object as correlation id', body: { payload: '00', correlationId: {} }, field: 'correlationId' },
  { name: 'ThingPark that is a text', body: { DevEUI_downlink: 'x' }, field: 'DevEUI_downlink' },
  { name: 'ThingPark that is empty', body: { DevEUI_downlink: '' }, field: 'DevEUI_downlink' },
  { name: 'ThingPark with another device', body: tp({ DevEUI: '24E124C3B1A70043', payload_hex: '00' }), field: 'DevEUI_downlink.DevEUI', correlationId: 'c' },
  { name: 'ThingPark without payload', body: tp({ FPort: 1 }), field: 'DevEUI_downlink.payload_hex', correlationId: 'c' },
  { name: 'ThingPark with both payloads', body: tp({ payload_hex: '00', payload: {} }), field: 'DevEUI_downlink.payload', correlationId: 'c' },
  { name: 'ThingPark with a text as payload', body: tp({ payload: '00' }), field: 'DevEUI_downlink.payload', correlationId: 'c' },
  { name: 'ThingPark with base64', body: tp({ payload_hex: 'SGVsbG8=' }), field: 'DevEUI_downlink.payload_hex', correlationId: 'c' },
  { name: 'ThingPark with FPort 300', body: tp({ payload_hex: '00', FPort: '300' }), field: 'DevEUI_downlink.FPort', correlationId: 'c' },
  { name: 'ThingPark with Confirmed 2', body: tp({ payload_hex: '00', Confirmed: 2 }), field: 'DevEUI_downlink.Confirmed', correlationId: 'c' },
  { name: 'ThingPark with a wrong flush', body: tp({ payload_hex: '00', FlushDownlinkQueue: 'x' }), field: 'DevEUI_downlink.FlushDownlinkQueue', correlationId: 'c' },
  ...['0', 'soon', '-5', '99999999999'].map((ValidityTime) => ({ name: `ThingPark with ValidityTime ${ValidityTime}`, body: tp({ payload_hex: '00', ValidityTime }), field: 'DevEUI_downlink.ValidityTime', correlationId: 'c' })),
  { name: 'ThingPark with a wrong counter', body: tp({ payload_hex: '00', FCntDn: -1 }), field: 'DevEUI_downlink.FCntDn', correlationId: 'c' },
  { name: 'ThingPark with a wrong application counter', body: tp({ payload_hex: '00', AFCntDn: 0x1_0000_0000 }), field: 'DevEUI_downlink.AFCntDn', correlationId: 'c' },
  { name: 'ThingPark with a long correlation id', body: tp({ payload_hex: '00', CorrelationID: 'x'.repeat(129) }), field: 'DevEUI_downlink.CorrelationID' },
  { name: 'The Things Stack without a list', body: { downlinks: {} }, field: 'downlinks' },
  { name: 'The Things Stack with an empty list', body: { downlinks: [] }, field: 'downlinks' },
  { name: 'The Things Stack with 501', body: { downlinks: Array(501).fill({ frm_payload: '' }) }, field: 'downlinks', says: /500/ },
  { name: 'The Things Stack with a text in the list', body: { downlinks: ['x'] }, field: 'downlinks[0]' },
  { name: 'The Things Stack with another device', body: { end_device_ids: { dev_eui: '24E124C3B1A70043' }, ...one({ frm_payload: '' }) }, field: 'end_device_ids.dev_eui', correlationId: 'c' },
  { name: 'The Things Stack with f_port 0', body: one({ f_port: 0, frm_payload: 'AA==' }), field: 'downlinks[0].f_port', correlationId: 'c' },
  { name: 'The Things Stack without payload', body: one({ f_port: 1 }), field: 'downlinks[0].frm_payload', correlationId: 'c' },
  { name: 'The Things Stack with both payloads', body: one({ frm_payload: '', decoded_payload: {} }), field: 'downlinks[0].decoded_payload', correlationId: 'c' },
  { name: 'The Things Stack with hex', body: one({ frm_payload: '0a0' }), field: 'downlinks[0].frm_payload', correlationId: 'c' },
  { name: 'The Things Stack with too much', body: one({ frm_payload: Buffer.alloc(243).toString('base64') }), field: 'downlinks[0].frm_payload', correlationId: 'c' },
  { name: 'The Things Stack with another priority', body: one({ frm_payload: '', priority: 'URGENT' }), field: 'downlinks[0].priority', correlationId: 'c' },
  { name: 'The Things Stack with a wrong flag', body: one({ frm_payload: '', confirmed: 'x' }), field: 'downlinks[0].confirmed', correlationId: 'c' },
  { name: 'The Things Stack with a text as correlation ids', body: { downlinks: [{ frm_payload: '', correlation_ids: 'c' }] }, field: 'downlinks[0].correlation_ids' },
  { name: 'The Things Stack with a number in them', body: { downlinks: [{ frm_payload: '', correlation_ids: ['c', 1] }] }, field: 'downlinks[0].correlation_ids[1]' },
  { name: 'The Things Stack with a text as class_b_c', body: one({ frm_payload: '', class_b_c: 'x' }), field: 'downlinks[0].class_b_c', correlationId: 'c' },
];

for (const { name, body, reason = 'invalid_field', field, says, correlationId } of bad) {
  void t.test(`rejects ${name}`, async (t) => {
    const [parsed, ...others] = parse(body);
    t.equal(others.length, 0);
    if (parsed?.kind !== 'rejection') return t.fail('it was taken');
    t.ok(parsed.error instanceof BridgeError);
    t.match(parsed.error, { reason, field });
    if (says !== undefined) t.match(parsed.error.message, says);
    t.equal(parsed.correlationId, correlationId);
  });
}

void t.test('a wrong one does not keep the others of its message back', async (t) => {
  const parsed = parse({ downlinks: [{ f_port: 1, frm_payload: 'AA==' }, { f_port: 999, frm_payload: 'AA==', correlation_ids: ['second'] }, { f_port: 3, frm_payload: 'AA==' }] });
  t.same(parsed.map(({ kind }) => kind), ['draft', 'rejection', 'draft']);
  t.match(parsed[1], { error: { field: 'downlinks[1].f_port' }, correlationId: 'second' });
});

void t.test('what a message holds is not quoted when it is broken', async (t) => {
  for (const broken of ['{"DevEUI_downlink":{"AS_KEY":"5ecret"x}}', '{"AS_KEY":5ecret}', '5ecret', '{"AS_KEY":"5ecret']) {
    const [parsed] = parse(broken);
    if (parsed?.kind !== 'rejection') return t.fail('it was taken');
    t.notMatch(`${parsed.error.message} ${String(parsed.error.cause)}`, /5ec|AS_/);
  }
});

void t.test('keys of Object are no keys of a downlink', async (t) => {
  t.match(parse('{"__proto__":{"payload":"00"},"payload":"00"}')[0], { kind: 'rejection', error: { field: '__proto__' } });
  t.match(parse('{"payload":{"__proto__":{"x":1}}}')[0], { kind: 'draft' });
  t.equal(({} as Record<string, unknown>)['x'], undefined);
});
