import t from 'tap';
import { createMatch, type Target } from '../../src/flows/match.js';
import { payloadFormats } from '../../src/flows/shape.js';
import { messageTypes, type NetworkServerKind } from '../../src/messages/message.js';
import type { NetworkServerAdapter, ParsedMessage } from '../../src/network-servers/network-server.js';
import { networkServerAdapters } from '../../src/network-servers/registry.js';
import { compileTypePatterns } from '../../src/topics/type-patterns.js';
import { prepare } from '../../src/uplink/prepare.js';
import { fuzzOf, resultOrRefusal } from '../support/fuzz.js';
import { anyRequest, changedFixture, type Sent } from '../support/fuzz-requests.js';

const kinds = Object.keys(networkServerAdapters) as NetworkServerKind[];

/** Every target renders every type, so that all that can be made of a message is made. */
const targets: ReadonlyMap<string, Target> = new Map(
  payloadFormats.map((format) => [format, { connectionId: format, format, patterns: compileTypePatterns("x/{networkServer}/{DevEUI}/{deviceName|application|'none'}/{$..site|FPort|'none'}/uplink"), validityMs: 0, uplinksOnly: false }]),
);
const match = createMatch(targets, [{ matchers: [], connections: [...targets.keys()] }]);
const routes = { match, targetOf: (id: string) => targets.get(id) };

const checkMessage = (kind: NetworkServerKind, { request }: Sent, message: ParsedMessage): void => {
  const { fields, eventTimeMs, idempotencyKey, address } = message;
  if (!messageTypes.includes(fields.type)) throw new Error(`type ${fields.type}`);
  if (typeof fields.deviceId !== 'string' || fields.deviceId === '') throw new Error('no device id');
  if (typeof idempotencyKey !== 'string' || idempotencyKey === '') throw new Error('no idempotency key');
  if (eventTimeMs !== undefined && !Number.isInteger(eventTimeMs)) throw new Error(`event time ${eventTimeMs}`);
  if (fields.time !== undefined && Number.isNaN(Date.parse(fields.time))) throw new Error(`time ${fields.time}`);
  JSON.stringify(address ?? {});
  const { append, message: stamped } = prepare(routes, { sender: { id: 'one', kind }, incoming: message, body: request.body, receivedAt: 1_763_718_900_000 });
  const written = JSON.stringify(stamped);
  if (JSON.stringify(JSON.parse(written)) !== written) throw new Error('does not read back as it was written');
  if (append.records.length !== targets.size) throw new Error(`${append.records.length} records`);
};

/** What the ingress does with a body. */
const messagesOf = (adapter: NetworkServerAdapter, { request, settings }: Sent): readonly ParsedMessage[] => {
  const document = adapter.read(request, settings);
  resultOrRefusal(() => adapter.verifyToken?.(document, request, { key: '00'.repeat(16), asId: 'as' }));
  const messages = adapter.parse(document, request, settings);
  const credentials = resultOrRefusal(() => adapter.credentials?.(document, request));
  JSON.stringify(credentials);
  return messages;
};

const holdsFor = (kind: NetworkServerKind) => (sent: Sent): void => {
  const adapter = networkServerAdapters[kind];
  const once = resultOrRefusal(() => messagesOf(adapter, sent));
  if ('refusal' in once) {
    if (once.refusal.row.retry !== 'never') throw new Error(`reason ${once.refusal.reason} asks for another try`);
    return;
  }
  for (const message of once.value) checkMessage(kind, sent, message);
  const again = messagesOf(adapter, sent).map(({ idempotencyKey }) => idempotencyKey);
  if (again.join('\n') !== once.value.map(({ idempotencyKey }) => idempotencyKey).join('\n')) throw new Error('the same body read twice is another message');
};

for (const kind of kinds) {
  void t.test(`${kind}: a changed body of its own is read or refused`, async (t) => {
    fuzzOf(t, `${kind}, changed`, { input: changedFixture(kind), holds: holdsFor(kind), runs: 600 });
  });
  void t.test(`${kind}: any body of any media type is read or refused`, async (t) => {
    fuzzOf(t, `${kind}, any`, { input: anyRequest(kind), holds: holdsFor(kind), runs: 400 });
  });
}

void t.test('a form or a text that begins with a brace and is no JSON is published as it came', async (t) => {
  const request = { method: 'POST', path: '', rawQuery: 'device=1a2345&time=1763718900&data=00&seqNumber=7', headers: {}, mediaType: 'application/x-www-form-urlencoded', body: Buffer.from('{a=1') };
  t.doesNotThrow(() => holdsFor('sigfox')({ request, settings: {} }));
});
