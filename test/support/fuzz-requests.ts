import { array, constantFrom, oneof, record, string, type Arbitrary } from 'fast-check';
import type { NetworkServerKind } from '../../src/messages/message.js';
import type { NetworkServerSettings, WebhookRequest } from '../../src/network-servers/network-server.js';
import { networkServerAdapters } from '../../src/network-servers/registry.js';
import { changedJson, damaged, hostileForm, hostileJson, hostileText, hostileXml } from './fuzz-values.js';
import { readFixtures } from './golden.js';

/** A webhook and the settings of the network server that it is for. */
export interface Sent {
  readonly request: WebhookRequest;
  readonly settings: NetworkServerSettings;
}

const fixturesOf = (kind: NetworkServerKind): readonly Sent[] => readFixtures(kind).fixtures.map(({ request, expected }) => ({ request, settings: expected.settings ?? {} }));

const parsed = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
};

const withBody = (sent: Sent, body: Buffer): Sent => ({ ...sent, request: { ...sent.request, body } });
const jsonBytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value) ?? '');

/** A fixture with its JSON changed, or its bytes damaged. */
export const changedFixture = (kind: NetworkServerKind): Arbitrary<Sent> => {
  const all = fixturesOf(kind);
  const documents = all.filter(({ request }) => parsed(request.body) !== undefined);
  const changed = constantFrom(...documents).chain((sent) => changedJson(parsed(sent.request.body)).map((value) => withBody(sent, jsonBytes(value))));
  const broken = constantFrom(...all).chain((sent) => damaged(sent.request.body).map((body) => withBody(sent, body)));
  return oneof({ arbitrary: changed, weight: 3 }, { arbitrary: broken, weight: 1 });
};

const keys = ['event', 'device', 'time', 'data', 'seqNumber', 'batch', 'ack', 'deviceID', 'devEUI', 'applicationID', 'LrnDevEui', 'LrnFPort', 'Token', 'Time', '__proto__', 'constructor'];
const paths = ['', '/', '/up', '/uplink', '/service/acknowledge', '/service/data_advanced', '/__proto__', '/constructor'];
const batchPattern = '{device};{time};{data};{seqNumber}';

const anyBody: Arbitrary<Buffer> = oneof(
  hostileJson.map(jsonBytes), hostileXml.map((text) => Buffer.from(text)), hostileForm(keys).map((text) => Buffer.from(text)), hostileText.map((text) => Buffer.from(text)),
  array(string({ unit: 'binary', maxLength: 20 }), { maxLength: 6 }).map((lines) => Buffer.from(lines.join('\n'))),
  hostileText.map((text) => Buffer.from(text, 'utf16le')),
);

/** Any body in any of the media types of a kind, called for and not. */
export const anyRequest = (kind: NetworkServerKind): Arbitrary<Sent> =>
  record({
    body: anyBody,
    mediaType: constantFrom(...networkServerAdapters[kind].mediaTypes),
    method: constantFrom(...networkServerAdapters[kind].methods),
    path: constantFrom(...paths),
    rawQuery: oneof(constantFrom('', 'event=up', 'event=join', 'event=__proto__', 'event=constructor'), hostileForm(keys)),
    push: oneof(constantFrom('https://eu1.cloud.thethings.network/api/v3/as/applications/a/webhooks/b/devices/c/down/push', 'http://[::1', '//', ''), hostileText),
    settings: constantFrom<NetworkServerSettings>({}, { batchPattern }, { fields: { data: '__proto__', device: 'constructor' } }, { downlinkHosts: ['eu1.cloud.thethings.network'] }),
  }).map(({ body, mediaType, method, path, rawQuery, push, settings }) => ({ request: { method, path, rawQuery, mediaType, body, headers: { 'content-type': mediaType, 'x-downlink-push': push, 'x-downlink-apikey': push, authorization: push } }, settings }));
