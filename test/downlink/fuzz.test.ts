import { constantFrom, oneof, tuple, type Arbitrary } from 'fast-check';
import t from 'tap';
import { parseDownlink } from '../../src/downlink/parse-downlink.js';
import { maxPayloadBytes } from '../../src/downlink/payload-text.js';
import type { ParsedDownlink } from '../../src/downlink/downlink-draft.js';
import { checkRefusal, fuzzOf } from '../support/fuzz.js';
import { changedJson, damaged, hostileJson, hostileText } from '../support/fuzz-values.js';

const deviceId = '24e124c3b1a70042';
const receivedAt = Date.parse('2026-11-21T10:00:00.000Z');

/** One downlink in each of the forms, with every key that the form has. */
const documents: readonly unknown[] = [
  { fPort: 5, payload: '0a0b', payloadEncoding: 'hex', confirmed: true, flush: true, validUntil: '2026-11-21T12:00:00+01:00', correlationId: 'c-1', deviceId, devEui: deviceId },
  { fPort: 1, payload: { led: { on: true } } },
  { DevEUI_downlink: { DevEUI: deviceId.toUpperCase(), FPort: '1', payload_hex: '0011', Confirmed: '0', FlushDownlinkQueue: 1, ValidityTime: '600', CorrelationID: 'ABC', FCntDn: 7, AFCntDn: 8, RetryIneligibleGateways: true, DriverCfg: { mod: { pId: 'a' } } } },
  { DevEUI_downlink: { DevEUI: deviceId, FPort: 2, payload: { value: 1 }, ValidityTime: '2026-11-21T12:00:00Z' } },
  { downlinks: [{ f_port: 3, frm_payload: 'AAE=', confirmed: true, priority: 'NORMAL', correlation_ids: ['a', 'b'], class_b_c: { gateways: [{ gateway_ids: { gateway_id: 'g' } }], absolute_time: '2026-11-21T12:00:00Z' } }, { f_port: 4, decoded_payload: { on: false } }] },
  { downlinks: [] },
];

const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value) ?? '');

const document: Arbitrary<Buffer> = oneof(
  { arbitrary: constantFrom(...documents).chain(changedJson).map(bytesOf), weight: 4 },
  { arbitrary: constantFrom(...documents).chain((one) => damaged(bytesOf(one))), weight: 1 },
  { arbitrary: hostileJson.map(bytesOf), weight: 1 },
  { arbitrary: oneof(hostileText.map((text) => Buffer.from(text)), hostileText.map((text) => Buffer.from(text, 'utf16le'))), weight: 1 },
);

const check = (parsed: ParsedDownlink): void => {
  if (parsed.kind === 'rejection') {
    checkRefusal(parsed.error);
    JSON.stringify([parsed.correlationId, parsed.error.field]);
    return;
  }
  const { payload, object, fPort, validUntil, confirmed, flush, correlationId } = parsed.draft;
  if ((payload === undefined) === (object === undefined)) throw new Error('neither or both of payload and object');
  if (payload !== undefined && (!/^([0-9a-f]{2})*$/.test(payload) || payload.length > maxPayloadBytes * 2)) throw new Error(`payload ${payload.slice(0, 80)}`);
  if (fPort !== undefined && (!Number.isInteger(fPort) || fPort < 1 || fPort > 223)) throw new Error(`FPort ${fPort}`);
  if (validUntil !== undefined && !Number.isSafeInteger(validUntil)) throw new Error(`valid until ${validUntil}`);
  if (typeof confirmed !== 'boolean' || typeof flush !== 'boolean') throw new Error('confirmed and flush');
  if (correlationId !== undefined && correlationId.length > 1_000) throw new Error('correlation id');
  JSON.stringify(parsed.draft);
};

void t.test('a document becomes downlinks or rejections, whatever it holds', async (t) => {
  fuzzOf(t, 'downlinks', { input: document, runs: 2_000, holds: (body) => parseDownlink(body, { deviceId, receivedAt }).forEach(check) });
});

void t.test('whom it is sent to may be named by anything', async (t) => {
  fuzzOf(t, 'devices', { input: tuple(document, hostileText), runs: 500, holds: ([body, anyone]) => parseDownlink(body, { deviceId: anyone, receivedAt }).forEach(check) });
});
