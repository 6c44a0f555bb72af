import t from 'tap';
import { BridgeError } from '../../src/errors.js';
import { FieldsError } from '../../src/api/problem.js';
import { jsonOf, type Call } from './support/call.js';
import { exampleDevice, fill, openApi } from './support/open-api.js';

const marker = 'marker-5f1c';
const json = { 'content-type': 'application/json' };

interface Row {
  readonly name: string;
  readonly call: Call;
  readonly status: number;
  readonly reason: string;
  /** Paths of the wrong fields. */
  readonly fields?: readonly string[];
  readonly allow?: string;
}

const bodies: readonly Row[] = [
  { name: 'a body that is not JSON', call: { method: 'POST', path: '/downlinks', body: `{"a": ${marker}}` }, status: 400, reason: 'malformed_body' },
  { name: 'half a body', call: { method: 'POST', path: '/tokens', body: `{"name": "${marker}` }, status: 400, reason: 'malformed_body' },
  { name: 'an empty body', call: { method: 'POST', path: '/tokens', headers: { ...json, 'content-length': '0' } }, status: 400, reason: 'malformed_body' },
  { name: 'no body at all', call: { method: 'POST', path: '/tokens' }, status: 400, reason: 'invalid_field' },
  { name: 'no body for a downlink', call: { method: 'POST', path: '/downlinks' }, status: 400, reason: 'invalid_field', fields: ['body'] },
  { name: 'a key that would reach the prototype', call: { method: 'POST', path: '/tokens', body: '{"__proto__":{"role":"admin"},"name":"a","role":"read"}' }, status: 400, reason: 'malformed_body' },
  { name: 'a body over 1 MiB', call: { method: 'POST', path: '/tokens', body: { name: 'x'.repeat(1_048_577), role: 'read' } }, status: 413, reason: 'body_too_large' },
  { name: 'plain text', call: { method: 'POST', path: '/tokens', body: '{"name":"a","role":"admin"}', headers: { 'content-type': 'text/plain' } }, status: 415, reason: 'unsupported_media_type' },
  { name: 'a form', call: { method: 'POST', path: '/tokens', body: 'name=a&role=admin', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, status: 415, reason: 'unsupported_media_type' },
  { name: 'an empty form, as a page of another site can send', call: { method: 'POST', path: '/parked-messages/7/replay', headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '0' } }, status: 415, reason: 'unsupported_media_type' },
  { name: 'a multipart form', call: { method: 'POST', path: '/tokens', body: '--b--', headers: { 'content-type': 'multipart/form-data; boundary=b' } }, status: 415, reason: 'unsupported_media_type' },
  { name: 'XML', call: { method: 'POST', path: '/downlinks', body: '<a/>', headers: { 'content-type': 'application/xml' } }, status: 415, reason: 'unsupported_media_type' },
];

const addresses: readonly Row[] = [
  { name: 'an unknown address', call: { path: '/device' }, status: 404, reason: 'unknown_route' },
  { name: 'an empty id', call: { path: '/devices/' }, status: 400, reason: 'invalid_field', fields: ['id'] },
  { name: 'a slash too many', call: { path: '/events/' }, status: 404, reason: 'unknown_route' },
  { name: 'a wrong method', call: { method: 'PUT', path: '/devices' }, status: 405, reason: 'method_not_allowed', allow: 'GET, HEAD' },
  { name: 'a wrong method with an id', call: { method: 'PATCH', path: '/parked-messages/7' }, status: 405, reason: 'method_not_allowed', allow: 'GET, HEAD, DELETE' },
  { name: 'OPTIONS, as a page of another site asks first', call: { method: 'OPTIONS', path: '/tokens' }, status: 405, reason: 'method_not_allowed', allow: 'POST, GET, HEAD' },
  { name: 'an address that is not well encoded', call: { path: '/devices/%E0%A4%A' }, status: 400, reason: 'bad_request' },
  { name: 'a key that the query does not know', call: { path: '/devices?conection=main' }, status: 400, reason: 'invalid_field', fields: ['conection'] },
  { name: 'the same key twice', call: { path: '/devices?connection=a&connection=b' }, status: 400, reason: 'invalid_field', fields: ['connection'] },
  { name: 'an empty filter key', call: { path: '/devices?connection=' }, status: 400, reason: 'invalid_field', fields: ['connection'] },
  { name: 'a limit of 0', call: { path: '/devices?limit=0' }, status: 400, reason: 'invalid_field', fields: ['limit'] },
  { name: 'a limit that is too large', call: { path: '/audit?limit=501' }, status: 400, reason: 'invalid_field', fields: ['limit'] },
  { name: 'a limit that is no number', call: { path: '/events?limit=ten' }, status: 400, reason: 'invalid_field', fields: ['limit'] },
  { name: 'several wrong keys at once', call: { path: '/events?limit=-1&level=loud&colour=red' }, status: 400, reason: 'invalid_field', fields: ['limit', 'level', 'colour'] },
  { name: 'events of two subjects', call: { path: '/events?connection=a&networkServer=b' }, status: 400, reason: 'invalid_field', fields: ['networkServer'] },
  { name: 'a page of parked messages that begins nowhere', call: { path: '/parked-messages?after=x' }, status: 400, reason: 'invalid_field', fields: ['after'] },
  { name: 'an unknown reason', call: { path: '/parked-messages?reason=bad_luck' }, status: 400, reason: 'invalid_field', fields: ['reason'] },
  { name: 'an id that is no number', call: { path: '/parked-messages/x' }, status: 400, reason: 'invalid_field', fields: ['id'] },
  { name: 'an id beyond all numbers', call: { path: '/parked-messages/9999999999999999' }, status: 400, reason: 'invalid_field', fields: ['id'] },
  { name: 'a parked message that is not there', call: { path: '/parked-messages/123456' }, status: 404, reason: 'unknown_resource' },
  { name: 'replaying one that is not there', call: { method: 'POST', path: '/parked-messages/123456/replay' }, status: 404, reason: 'unknown_resource' },
  { name: 'deleting one that is not there', call: { method: 'DELETE', path: '/parked-messages/123456' }, status: 404, reason: 'unknown_resource' },
  { name: 'deleting parked messages without a filter', call: { method: 'DELETE', path: '/parked-messages' }, status: 400, reason: 'invalid_field' },
  { name: 'deleting parked messages with only a limit', call: { method: 'DELETE', path: '/parked-messages?limit=5' }, status: 400, reason: 'invalid_field' },
  { name: 'a device that was never heard', call: { path: '/devices/ffffffffffffffff' }, status: 404, reason: 'unknown_device' },
  { name: 'a downlink that is not remembered', call: { path: '/downlinks/ffffffffffffffffffffffffffffffff' }, status: 404, reason: 'unknown_resource' },
  { name: 'a token that is not there', call: { method: 'DELETE', path: '/tokens/ffff' }, status: 404, reason: 'unknown_resource' },
];

const replays: readonly Row[] = [
  { name: 'neither ids nor filter', call: { body: {}, path: '' }, status: 400, reason: 'invalid_field' },
  { name: 'ids and filter', call: { body: { ids: ['7'], filter: {} }, path: '' }, status: 400, reason: 'invalid_field' },
  { name: 'no ids', call: { body: { ids: [] }, path: '' }, status: 400, reason: 'invalid_field', fields: ['ids'] },
  { name: 'ids as numbers', call: { body: { ids: [7] }, path: '' }, status: 400, reason: 'invalid_field', fields: ['ids[0]'] },
  { name: 'too many ids', call: { body: { ids: Array.from({ length: 501 }, (_, index) => String(index)) }, path: '' }, status: 400, reason: 'invalid_field', fields: ['ids'] },
  { name: 'a misspelt filter key, which must not mean everything', call: { body: { filter: { conection: 'main' } }, path: '' }, status: 400, reason: 'invalid_field', fields: ['filter.conection'] },
  { name: 'a misspelt key', call: { body: { filters: { connection: 'main' } }, path: '' }, status: 400, reason: 'invalid_field', fields: ['filters'] },
  { name: 'a filter that is text', call: { body: { filter: 'main' }, path: '' }, status: 400, reason: 'invalid_field', fields: ['filter'] },
  { name: 'a limit that is text', call: { body: { filter: {}, limit: '5' }, path: '' }, status: 400, reason: 'invalid_field', fields: ['limit'] },
  { name: 'a list', call: { body: [], path: '' }, status: 400, reason: 'invalid_field' },
].map((row) => ({ ...row, name: `replay: ${row.name}`, call: { method: 'POST', path: '/parked-messages/replay', body: row.call.body } }));

const tokens: readonly Row[] = [
  { name: 'no name', body: { role: 'read' }, fields: ['name'] },
  { name: 'an empty name', body: { name: '', role: 'read' }, fields: ['name'] },
  { name: 'blanks around the name', body: { name: ' a', role: 'read' }, fields: ['name'] },
  { name: 'a name that is too long', body: { name: 'x'.repeat(65), role: 'read' }, fields: ['name'] },
  { name: 'the name of callers without a token', body: { name: 'Loopback', role: 'read' }, fields: ['name'] },
  { name: 'no role', body: { name: 'a' }, fields: ['role'] },
  { name: 'an unknown role', body: { name: 'a', role: 'root' }, fields: ['role'] },
  { name: 'an end that is no time', body: { name: 'a', role: 'read', expiresAt: 'soon' }, fields: ['expiresAt'] },
  { name: 'an end in the past', body: { name: 'a', role: 'read', expiresAt: '2020-01-01T00:00:00Z' }, fields: ['expiresAt'] },
  { name: 'a token of the own making', body: { name: 'a', role: 'read', token: 'lpb_x' }, fields: ['token'] },
  { name: 'everything wrong', body: { name: 1, role: 2, expiresAt: 3 }, fields: ['name', 'role', 'expiresAt'] },
].map(({ name, body, fields }) => ({ name: `token: ${name}`, call: { method: 'POST', path: '/tokens', body }, status: 400, reason: 'invalid_field', fields }));

const downlinks: readonly Row[] = [
  { name: 'no device', body: { fPort: 1, payload: '00' }, fields: ['deviceId'] },
  { name: 'a device that is a list', body: { deviceId: [], fPort: 1, payload: '00' }, fields: ['deviceId'] },
  { name: 'a device id that is too long', body: { deviceId: 'a'.repeat(129), payload: '00' }, fields: ['deviceId'] },
  { name: 'a connection that is a number', body: { deviceId: exampleDevice, connectionId: 1, payload: '00' }, fields: ['connectionId'] },
  { name: 'an FPort that is too large', body: { deviceId: exampleDevice, fPort: 224, payload: '00' }, fields: ['fPort'] },
  { name: 'no payload', body: { deviceId: exampleDevice, fPort: 1 }, fields: ['payload'] },
  { name: 'a payload that is half a byte', body: { deviceId: exampleDevice, fPort: 1, payload: '0', payloadEncoding: 'hex' }, fields: ['payload'] },
  { name: 'a misspelt key', body: { deviceId: exampleDevice, fPort: 1, payload: '00', confimed: true }, fields: ['confimed'] },
  { name: 'two devices', body: { deviceId: exampleDevice, DevEUI_downlink: { DevEUI: '0000000000000001', FPort: 1, payload_hex: '00' } }, fields: ['DevEUI_downlink.DevEUI'] },
  { name: 'several, all wrong', body: { deviceId: exampleDevice, downlinks: [{ f_port: 0, frm_payload: 'AA==' }, { f_port: 1 }] }, fields: ['downlinks[0].f_port', 'downlinks[1].frm_payload'] },
  { name: 'a list', body: [], fields: ['body'] },
].map(({ name, body, fields }) => ({ name: `downlink: ${name}`, call: { method: 'POST', path: '/downlinks', body }, status: 400, reason: 'invalid_field', fields }));

const more: readonly Row[] = [
  { name: 'a downlink for a device that was never heard', call: { method: 'POST', path: '/downlinks', body: { deviceId: 'ffffffffffffffff', fPort: 1, payload: '00' } }, status: 404, reason: 'unknown_device' },
  { name: 'a downlink from another connection', call: { method: 'POST', path: '/downlinks', body: { deviceId: exampleDevice, connectionId: 'other', fPort: 1, payload: '00' } }, status: 409, reason: 'device_not_routed' },
];

const fieldsOf = (problem: Record<string, unknown>): unknown[] => {
  const errors = problem['errors'] as { path: string }[] | undefined;
  return errors?.map(({ path }) => path) ?? [problem['field']];
};

void t.test('bad requests: each is refused with its reason, names the wrong fields, quotes nothing, and changes nothing', async (t) => {
  const api = await openApi(t);
  await fill(api);
  const before = (await api.outbox.parked({}, { after: -1, limit: 100 })).length;
  for (const { name, call, status, reason, fields, allow } of [...bodies, ...addresses, ...replays, ...tokens, ...downlinks, ...more]) {
    const answer = await api.call(call);
    const problem = jsonOf(answer);
    t.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8', name);
    t.match(problem, { status, reason, type: `urn:lpwan-aws-bridge:reason:${reason}`, title: String, detail: String, instance: String }, name);
    t.equal(answer.status, status, name);
    if (fields !== undefined) t.same(fieldsOf(problem).sort(), [...fields].sort(), name);
    if (fields?.length === 1) t.equal(problem['field'], fields[0], name);
    t.equal(answer.headers['allow'], allow, name);
    t.notOk(answer.text.includes(marker), name);
  }
  t.notOk(api.log().includes(marker));
  t.equal((await api.outbox.parked({}, { after: -1, limit: 100 })).length, before);
  t.strictSame(await api.store.queue.waiting(exampleDevice), []);
  t.equal((await api.bridge.tokens.list()).length, 3);
  t.strictSame((await api.get('/audit'))['audit'], []);
});

void t.test('a page that begins nowhere is empty or refused, and never a fault', async (t) => {
  const api = await openApi(t);
  await fill(api);
  for (const path of ['/devices', '/events', '/audit', '/parked-messages']) {
    for (const after of ['x', '-1', '%00', '9'.repeat(30), '..%2F..', '%F0%9F%98%80', '0']) {
      const answer = await api.call({ path: `${path}?after=${after}` });
      t.ok([200, 400].includes(answer.status), `${path}?after=${after}: ${answer.status}`);
    }
  }
});

void t.test('failures of the bridge: known ones tell what and when to try again, unknown ones tell nothing', async (t) => {
  const thrown: unknown[] = [];
  const plugin = async (app: import('fastify').FastifyInstance): Promise<void> => {
    app.get('/broken', { config: { role: 'read' } }, async () => {
      throw thrown[0];
    });
  };
  const api = await openApi(t, { plugins: [plugin] });
  const answerTo = async (error: unknown) => {
    thrown[0] = error;
    return api.call({ path: '/broken' });
  };

  const unknown = await answerTo(new Error(`the password is ${marker}`));
  t.equal(unknown.status, 500);
  t.match(jsonOf(unknown), { reason: 'internal_error', detail: 'The bridge failed', instance: /^req-/ });
  t.notOk(unknown.text.includes(marker));
  t.ok(api.log().includes(String(jsonOf(unknown)['instance'])), 'the log names the request');
  t.equal((await answerTo(marker)).status, 500, 'something that is no error');
  t.equal((await answerTo(new BridgeError('internal_error', { detail: marker }))).text.includes(marker), false);

  const full = await answerTo(new BridgeError('outbox_full'));
  t.equal(full.status, 503);
  t.equal(full.headers['retry-after'], '30');
  t.equal((await answerTo(new BridgeError('registry_throttled', { retryAfterMs: 1_500 }))).headers['retry-after'], '2');

  const fields = await answerTo(new FieldsError('invalid_resource', [{ path: 'a.b', message: 'is required' }]));
  t.equal(fields.status, 400);
  t.match(jsonOf(fields), { errors: [{ path: 'a.b', message: 'is required' }] });
});

void t.test('answers are never kept, never taken for another type, never for another site', async (t) => {
  const api = await openApi(t);
  for (const path of ['/devices', '/health', '/nothing', '/docs']) {
    const { headers } = await api.call({ path, headers: path === '/devices' ? { origin: api.url } : {} });
    t.match(headers, { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'cross-origin-resource-policy': 'same-origin' }, path);
    t.notOk(Object.keys(headers).some((name) => name.startsWith('access-control-')), `${path}: no other origin may read it`);
  }
});

void t.test('HEAD answers as GET without the body', async (t) => {
  const api = await openApi(t);
  const answer = await api.call({ method: 'HEAD', path: '/devices' });
  t.equal(answer.status, 200);
  t.equal(answer.text, '');
  t.equal((await api.call({ method: 'HEAD', path: '/nothing' })).status, 404);
});
