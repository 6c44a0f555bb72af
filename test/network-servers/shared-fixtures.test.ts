/** Published webhook bodies that are no part of the project: tested where their folder lies beside it, as `../shared/fixtures`. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { extname } from 'node:path';
import t from 'tap';
import { reasons } from '../../src/errors.js';
import type { MessageFields, NetworkServerKind } from '../../src/messages/message.js';
import type { NetworkServerSettings } from '../../src/network-servers/network-server.js';
import { networkServerAdapters } from '../../src/network-servers/registry.js';
import { requestOfFile, runAdapter, type Outcome, type RequestParts } from '../support/golden.js';

const root = '../shared/fixtures';

/** What is compared of a message: the keys that a row states. */
type Facts = Readonly<Partial<Record<'type' | 'deviceId' | 'devEui' | 'fPort' | 'fCnt' | 'payload' | 'state' | 'event', unknown>>>;

interface Row {
  /** One entry a message, or the reason and field of the error. */
  readonly expect: readonly Facts[] | { readonly reason: string; readonly field?: string };
  readonly request?: RequestParts;
  readonly settings?: NetworkServerSettings;
  /** Values for the `{variables}` of a template; with `asQuery` what follows its `?` is the query of a GET. */
  readonly fill?: Readonly<Record<string, string>>;
  readonly asQuery?: boolean;
}

/** Not a webhook at all: only its presence is checked here, its use is in the test that is named. */
type Elsewhere = { readonly usedBy: string };

const unsupported = { reason: 'unsupported_document' };
const invalid = (field: string) => ({ reason: 'invalid_field', field });
const event = (name: string): RequestParts => ({ query: `event=${name}` });

const thingpark: Readonly<Record<string, Row | Elsewhere>> = {
  'tunnel-uplink-untyped.json': { expect: [{ type: 'uplink', deviceId: '000000000f1d8693', devEui: '000000000f1d8693', fPort: 2, fCnt: 7011, payload: '0027bd00' }] },
  'tunnel-uplink.xml': { expect: [{ type: 'uplink', deviceId: '000000000f1d8693', fPort: 2, fCnt: 7011, payload: '0027bd00' }] },
  'tunnel-uplink-signed.body.json': {
    expect: [{ type: 'uplink', deviceId: '20635f0108000496', fPort: 17, fCnt: 18, payload: '032ce4850919d85d4c9f793ad148d24f32f3c6b5488f5a087cbeb1488f5a998c83ab' }],
  },
  'tunnel-uplink-signed.request.json': { usedBy: 'thingpark-token.test.ts' },
  'downlink-token-vector.json': { usedBy: 'thingpark-token.test.ts' },
  'tunnel-downlink-request.json': { expect: unsupported },
  'tunnel-downlink-request.xml': { expect: unsupported },
  'iotflow-downlink-minimal.json': { expect: unsupported },
  'iotflow-downlink-full.json': { expect: unsupported },
  'tunnel-downlink-sent.xml': { expect: [{ type: 'downlink-status', deviceId: '000000000f1d8693', state: 'sent', fPort: 2, fCnt: 22 }] },
  'tunnel-downlink-sent-dirty.json': { expect: invalid('DevEUI_downlink_Sent.DevEUI') },
  'iotflow-downlink-sent-failed.json': { expect: [{ type: 'downlink-status', deviceId: '0018b20000000d48', state: 'failed', fPort: 1, fCnt: 47 }] },
  'iotflow-downlink-rejected.json': { expect: [{ type: 'downlink-status', deviceId: '0018b20000000d48', state: 'rejected', fPort: 1 }] },
  'tunnel-location-badtime.json': { expect: invalid('DevEUI_location.Time') },
  'tunnel-location-badtime.xml': { expect: invalid('DevEUI_location.Time') },
  'iotflow-location.json': { expect: [{ type: 'location', deviceId: '000000000f1d8693' }] },
  'tunnel-notification-reset.json': { expect: [{ type: 'status', deviceId: 'f03d291e001001c9', event: 'reset' }] },
  'tunnel-notification-reset.xml': { expect: [{ type: 'status', deviceId: 'f03d291e001001c9', event: 'reset' }] },
  'iotflow-notification-join.json': { expect: [{ type: 'join', deviceId: '000000000f1d8693' }] },
  'iotflow-uplink-original.json': { expect: [{ type: 'uplink', deviceId: '0018b20000000b20', fPort: 1, fCnt: 1174, payload: '9e1c4852512000220020e3831071' }] },
  'iotflow-uplink-decoded.json': { expect: [{ type: 'uplink', deviceId: '20635f0108000e09', fPort: 17, fCnt: 265, payload: '0520be8800400108c9000000' }] },
  'iotflow-decode-error.json': {
    expect: [{ type: 'uplink', deviceId: '70b3d531c00027c8', fPort: 1, fCnt: 80, payload: '4c0500021d0f3701573c627f38385a553c313b343d3937301b2b292c201e221f161611120a0a0a07' }],
  },
  'iotflow-legacy-flat.json': { expect: [{ type: 'uplink', deviceId: '20635f0108000e09', fPort: 17, fCnt: 265, payload: '0520be8800400108c9000000' }] },
  'iotflow-decoded-only.json': { expect: invalid('DevEUI') },
  'iotflow-join-request.json': { expect: [{ type: 'join', deviceId: '0018b20000000b20', fPort: undefined, fCnt: undefined, payload: undefined }] },
  'iotflow-multicast-summary.json': { expect: [{ type: 'downlink-status', deviceId: '000000000f1d8693', state: 'failed', fPort: 2, fCnt: 11 }] },
  'iotflow-device-alarm.json': { expect: [{ type: 'alarm', deviceId: '0018b20000001156' }] },
  'iotflow-basestation-alarm.json': { expect: [{ type: 'alarm', deviceId: '100001c2', devEui: undefined }] },
};

const values = {
  device: '2C51A7', time: '1772431200', data: 'c0ffee01', seqNumber: '77', duplicate: 'false', snr: '14.25', station: '3E7A', avgSnr: '13.10', lat: '48', lng: '2',
  rssi: '-117.00', ack: 'true', longPolling: 'false', temp: '19.5', batt: '3.02', lqi: 'Good', linkQuality: '2', fixedLat: '0.0', fixedLng: '0.0',
  operatorName: 'SIGFOX_France', countryCode: '250', deviceTypeId: '5f00aa11bb22cc33dd44ee55', computedLocation: '{"lat":48.1,"lng":2.2,"radius":900,"source":2,"status":1}',
};
const filled: Facts = { type: 'uplink', deviceId: '2c51a7', devEui: undefined, fPort: undefined, fCnt: 77, payload: 'c0ffee01' };
const filledWithoutNumber: Facts = { ...filled, fCnt: undefined };
const json: RequestParts = { contentType: 'application/json' };

const sigfox: Readonly<Record<string, Row | Elsewhere>> = {
  'bidir-strings.json': { expect: [{ type: 'uplink', deviceId: '1a2345', devEui: undefined, fCnt: 1508, payload: 'b0513801a421f0019405a500' }] },
  'bidir-strings-station0000.json': { expect: [{ type: 'uplink', deviceId: '1a2345', fCnt: 1492, payload: '920e82002731b01db0512201' }] },
  'data-advanced.json': { expect: [{ type: 'uplink', deviceId: '1fd48be', fCnt: 16, payload: '00' }, { type: 'location', deviceId: '1fd48be' }] },
  'response-nodata.json': { expect: unsupported },
  'response-downlink.json': { expect: unsupported },
  'response-downlink-batch.json': { expect: unsupported },
  'template-bidir-json.txt': { expect: [filled], request: json, fill: values },
  'template-bidir-unaconnect.txt': { expect: [filled], request: json, fill: values },
  'template-json-mixed.txt': { expect: [filledWithoutNumber], request: json, fill: values },
  'template-data-advanced.txt': { expect: [filled, { type: 'location', deviceId: '2c51a7' }], request: { ...json, path: '/service/data_advanced' }, fill: values },
  'template-form.txt': { expect: [filledWithoutNumber], request: { contentType: 'application/x-www-form-urlencoded' }, fill: values },
  'template-text-plain.txt': { expect: [filledWithoutNumber], fill: values },
  'template-get-url.txt': { expect: [filledWithoutNumber], fill: values, asQuery: true, settings: { fields: { data: 'key1' } } },
  'template-get-query-uplink.txt': { expect: [filled], request: { path: '/data' }, fill: values, asQuery: true },
  'template-get-query-bidir.txt': { expect: [filled], request: { path: '/data/bidir' }, fill: values, asQuery: true },
  'template-get-query-status.txt': { expect: [{ type: 'status', deviceId: '2c51a7', event: 'battery' }], request: { path: '/service/status' }, fill: values, asQuery: true },
  'template-batch-lines.txt': {
    expect: [filled],
    fill: values,
    asQuery: true,
    settings: { batchPattern: '{device};{time};{duplicate};{snr};{station};{data};{avgSnr};{lat};{lng};{rssi};{seqNumber};{ack};{longPolling}' },
  },
};

const tts: Readonly<Record<string, Row | Elsewhere>> = {
  'uplink-minimal.json': { expect: [{ type: 'uplink', deviceId: 'dev1', devEui: undefined, fPort: 1, fCnt: 327, payload: '01' }] },
  'uplink-no-fcnt.json': { expect: [{ type: 'uplink', deviceId: '4200000000000000', devEui: '4200000000000000', fPort: 15, fCnt: 0, payload: '54656d7065726174757265203d20302e30' }] },
  'uplink-no-rssi.json': { expect: [{ type: 'uplink', deviceId: '1111111111111111', fPort: 10, fCnt: 43, payload: '010a010a010a010a' }] },
  'malformed-uplink-missing-comma.txt': { expect: { reason: 'malformed_body' }, request: json },
  'join-accept.json': { expect: [{ type: 'join', deviceId: '0004a30b001c0530' }] },
  'join-accept-minimal.json': { expect: [{ type: 'join', deviceId: '4200000000000000' }] },
  'downlink-ack.json': { expect: [{ type: 'downlink-status', deviceId: '0004a30b001c0530', state: 'acknowledged', fPort: 15, fCnt: 1 }] },
  'downlink-failed.json': { expect: [{ type: 'downlink-status', deviceId: 'dev1', devEui: undefined, state: 'failed', fPort: 15 }] },
  'downlink-queued.json': { expect: [{ type: 'downlink-status', deviceId: 'dev1', state: 'submitted', fPort: 1 }] },
  'downlink-push-request.json': { expect: unsupported },
  'downlink-push-confirmed.json': { expect: unsupported },
  'fragment-uplink-decoded-normalized.json': { expect: invalid('end_device_ids') },
  'fragment-uplink-normalized.json': { expect: invalid('end_device_ids') },
};

const v3Device = '0202020202020202';
const chirpstackV3: Readonly<Record<string, Row | Elsewhere>> = {
  'up.json': { expect: invalid('data'), request: event('up') },
  'up-jsonv3-no-rx.json': { expect: [{ type: 'uplink', deviceId: '3532363324003700', fPort: 2, fCnt: 0, payload: '00010203' }], request: event('up') },
  'join.json': { expect: [{ type: 'join', deviceId: v3Device }], request: event('join') },
  'ack.json': { expect: [{ type: 'downlink-status', deviceId: v3Device, state: 'acknowledged', fCnt: 15 }], request: event('ack') },
  'txack.json': { expect: [{ type: 'downlink-status', deviceId: v3Device, state: 'sent', fCnt: 12 }], request: event('txack') },
  'status.json': { expect: [{ type: 'status', deviceId: v3Device }], request: event('status') },
  'error.json': { expect: [{ type: 'alarm', deviceId: v3Device }], request: event('error') },
  'queue-request.json': { expect: invalid('event') },
};

const v4Device = '0101010101010101';
const chirpstackV4: Readonly<Record<string, Row | Elsewhere>> = {
  'up.json': { expect: [{ type: 'uplink', deviceId: v4Device, fPort: 1, fCnt: 0, payload: 'aa' }], request: event('up') },
  'join.json': { expect: [{ type: 'join', deviceId: v4Device }], request: event('join') },
  'ack.json': { expect: [{ type: 'downlink-status', deviceId: v4Device, state: 'acknowledged', fCnt: 3 }], request: event('ack') },
  'txack.json': { expect: [{ type: 'downlink-status', deviceId: v4Device, state: 'sent', fCnt: 2 }], request: event('txack') },
  'log.json': { expect: [{ type: 'alarm', deviceId: v4Device }], request: event('log') },
  'status.json': { expect: [{ type: 'status', deviceId: v4Device }], request: event('status') },
  'location.json': { expect: [{ type: 'location', deviceId: v4Device }], request: event('location') },
  'integration.json': { expect: [{ type: 'status', deviceId: '0016c001f000175a' }], request: event('integration') },
};

const folders: readonly (readonly [string, NetworkServerKind, Readonly<Record<string, Row | Elsewhere>>])[] = [
  ['actility', 'thingpark', thingpark],
  ['sigfox', 'sigfox', sigfox],
  ['tts', 'the-things-stack', tts],
  ['chirpstack-v3', 'chirpstack', chirpstackV3],
  ['chirpstack-v4', 'chirpstack', chirpstackV4],
];

const fillTemplate = (text: string, fill: Readonly<Record<string, string>>): string => text.replace(/\{(\w+)\}/g, (variable, name: string) => fill[name] ?? variable);

/** A URL template is the query after its `?`; a line pattern becomes a batch of one line. */
const queryOf = (text: string): string => {
  const at = text.indexOf('?');
  return at < 0 ? `batch=${encodeURIComponent(text.trim())}` : text.slice(at + 1);
};

const runRow = (folder: string, file: string, kind: NetworkServerKind, row: Row): Outcome => {
  const content = readFileSync(`${root}/${folder}/${file}`);
  const text = row.fill === undefined ? undefined : fillTemplate(content.toString('utf8'), row.fill);
  const body = text === undefined ? content : Buffer.from(row.asQuery === true ? queryOf(text) : text, 'utf8');
  const request = requestOfFile(row.asQuery === true ? '.query' : extname(file), body, row.request);
  return runAdapter(networkServerAdapters[kind], request, row.settings);
};

const factsOf = (fields: MessageFields, wanted: Facts): Facts =>
  Object.fromEntries(Object.keys(wanted).map((key) => [key, (fields as unknown as Record<string, unknown>)[key]]));

const outcomeOf = (outcome: Outcome, { expect }: Row): Row['expect'] => {
  if ('error' in outcome) {
    const { reason, field } = outcome.error;
    return { reason, ...(field === undefined ? {} : { field }) };
  }
  return outcome.messages.map(({ fields }, index) => factsOf(fields, (Array.isArray(expect) ? (expect as readonly Facts[])[index] : undefined) ?? { type: '' }));
};

const present = existsSync(root);
if (!present) t.comment(`absent: ${root}`);

const wrongEntry = (row: Row | Elsewhere): boolean => {
  if ('usedBy' in row) return !existsSync(`test/network-servers/${row.usedBy}`);
  return 'reason' in row.expect ? !Object.hasOwn(reasons, row.expect.reason) : row.expect.length === 0;
};

for (const [folder, kind, rows] of folders) {
  void t.test(`${folder}: the table names only reasons and tests that exist`, async (t) => {
    t.strictSame(Object.entries(rows).filter(([, row]) => wrongEntry(row)).map(([file]) => file), []);
  });
  if (!present) continue;
  void t.test(`${folder}: every file is in the table`, async (t) => {
    t.strictSame(Object.keys(rows).sort(), readdirSync(`${root}/${folder}`).sort());
  });
  for (const [file, row] of Object.entries(rows)) {
    if ('usedBy' in row) continue;
    void t.test(`${folder}/${file}`, async (t) => {
      t.strictSame(outcomeOf(runRow(folder, file, kind, row), row), row.expect);
    });
  }
}
