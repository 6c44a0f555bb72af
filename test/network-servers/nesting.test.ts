import t from 'tap';
import type { NetworkServerKind } from '../../src/messages/message.js';
import { maxNesting } from '../../src/network-servers/body-text.js';
import { networkServerAdapters } from '../../src/network-servers/registry.js';
import { requestOfFile, runAdapter, type Outcome, type RequestParts } from '../support/golden.js';

const lists = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const objects = (levels: number): string => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`;

const post = (kind: NetworkServerKind, body: string, parts: RequestParts = {}, extension = '.json'): Outcome =>
  runAdapter(networkServerAdapters[kind], requestOfFile(extension, Buffer.from(body, 'utf8'), parts));

/** A whole uplink of each kind with the nested value under a key of its own, at the level that is given. */
const uplinks: readonly (readonly [NetworkServerKind, number, (nested: string) => string, RequestParts])[] = [
  ['thingpark', 2, (nested) => `{"DevEUI_uplink":{"Time":"2026-11-21T09:55:00Z","DevEUI":"0018B20000000B20","FPort":1,"FCntUp":7,"payload_hex":"00","extra":${nested}}}`, {}],
  ['the-things-stack', 2, (nested) => `{"end_device_ids":{"device_id":"d1"},"received_at":"2026-11-21T09:55:00Z","uplink_message":{"f_port":1,"frm_payload":"AA==","extra":${nested}}}`, {}],
  ['chirpstack', 1, (nested) => `{"deduplicationId":"x","time":"2026-11-21T09:55:00Z","deviceInfo":{"devEui":"0101010101010101"},"fPort":1,"fCnt":7,"data":"AA==","object":${nested}}`, { query: 'event=up' }],
  ['sigfox', 1, (nested) => `{"device":"1a2345","time":"1763718900","data":"00","seqNumber":"7","extra":${nested}}`, {}],
];

for (const [kind, level, body, parts] of uplinks) {
  void t.test(`${kind}: a body may be ${maxNesting} levels deep and no deeper`, async (t) => {
    for (const nested of [lists, objects]) {
      t.match(post(kind, body(nested(maxNesting - level)), parts), { messages: [{ fields: { type: 'uplink' } }] });
      t.match(post(kind, body(nested(maxNesting - level + 1)), parts), { error: { reason: 'malformed_body', detail: /deeper than 64 levels/ } });
    }
  });
  void t.test(`${kind}: a body of a hundred thousand levels is refused like any other`, async (t) => {
    for (const nested of [lists, objects]) t.match(post(kind, body(nested(100_000)), parts), { error: { reason: 'malformed_body' } });
    t.match(post(kind, '['.repeat(100_000), parts), { error: { reason: 'malformed_body', detail: /not valid JSON: / } });
  });
  void t.test(`${kind}: brackets inside a text are no levels, and neither are values side by side`, async (t) => {
    t.match(post(kind, body(`{"text":"${lists(500)}"}`), parts), { messages: [{ fields: { type: 'uplink' } }] });
    t.match(post(kind, body(`[${'[],'.repeat(500)}[]]`), parts), { messages: [{ fields: { type: 'uplink' } }] });
  });
}

void t.test('text/plain of Sigfox that is JSON has the same limit', async (t) => {
  t.match(post('sigfox', `{"device":"1a2345","extra":${lists(100_000)}}`, {}, '.txt'), { error: { reason: 'malformed_body' } });
});

void t.test('XML nested too deep is refused', async (t) => {
  const xml = `<DevEUI_uplink>${'<a>'.repeat(50_000)}${'</a>'.repeat(50_000)}</DevEUI_uplink>`;
  t.match(post('thingpark', xml, {}, '.xml'), { error: { reason: 'malformed_body' } });
});

/** JSON inside a text has a limit of its own: past it the text is kept as text, and the message can still be written. */
void t.test('text that holds JSON nested too deep stays text', async (t) => {
  const deep = objects(100_000);
  const quoted = JSON.stringify(deep);
  const customer = post('thingpark', `{"DevEUI_uplink":{"Time":"2026-11-21T09:55:00Z","DevEUI":"0018B20000000B20","FPort":1,"FCntUp":7,"payload_hex":"00","CustomerData":${quoted}}}`);
  t.match(customer, { messages: [{ fields: { native: { CustomerData: deep } } }] });
  const object = post('chirpstack', `{"devEUI":"AgICAgICAgI=","fPort":1,"fCnt":7,"data":"AA==","objectJSON":${quoted}}`, { query: 'event=up' });
  t.match(object, { messages: [{ fields: { type: 'uplink', native: { objectJSON: deep } } }] });
  for (const outcome of [customer, object]) t.doesNotThrow(() => JSON.stringify(outcome));
});

void t.test('a Sigfox variable whose text is nested too deep is named', async (t) => {
  const duplicates = JSON.stringify(lists(100_000));
  const body = `{"device":"1a2345","time":"1763718900","data":"00","seqNumber":"7","duplicates":${duplicates}}`;
  t.match(post('sigfox', body, { path: '/service/data_advanced' }), { error: { reason: 'invalid_field', field: /^duplicates/ } });
});
