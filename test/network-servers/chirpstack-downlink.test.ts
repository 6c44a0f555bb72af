import t, { type Test } from 'tap';
import type { Downlink, SubmitOutcome } from '../../src/messages/downlink.js';
import type { DownlinkClient, DownlinkSettings } from '../../src/network-servers/downlink-client.js';
import { createDownlinkClient, networkServerAdapters } from '../../src/network-servers/registry.js';
import { issueCertificate } from '../../src/sandbox/issue-certificate.js';
import { readFixtures } from '../support/golden.js';
import { downlinkOf, refusal, startApi, type ReceivedRequest, type Reply } from './api-server.js';

const path = '/api/devices/0018b20000000b20/queue';
const token = 'eyJ0eXAi.c2VjcmV0.c2lnbmF0dXJl';

const clientOf = (t: Test, settings: Partial<DownlinkSettings>): DownlinkClient => {
  const client = createDownlinkClient('chirpstack', { timeoutMs: 5_000, apiToken: token, ...settings });
  t.teardown(() => client.close());
  return client;
};

interface Sending {
  readonly reply?: Reply | ((request: ReceivedRequest) => Reply);
  readonly settings?: Partial<DownlinkSettings>;
  readonly downlink?: Partial<Downlink>;
  readonly address?: Readonly<Record<string, string>>;
}

const send = async (t: Test, { reply = { status: 200, body: '{"id":"q-1"}' }, settings = {}, downlink = {}, address = {} }: Sending): Promise<{ requests: readonly ReceivedRequest[]; outcome: SubmitOutcome | undefined }> => {
  const api = await startApi(t, typeof reply === 'function' ? reply : () => reply);
  const outcome = await clientOf(t, { url: api.url, ...settings }).submit?.(downlinkOf(downlink), address);
  return { requests: api.requests, outcome };
};

const bodyOf = (request: ReceivedRequest | undefined): unknown => JSON.parse(request?.body ?? 'null');

void t.test('ChirpStack 4: the request, and the id by which events will name it', async (t) => {
  const { requests, outcome } = await send(t, {});
  t.strictSame(outcome, { kind: 'accepted', ids: ['q-1'] });
  t.match(requests, [{ method: 'POST', url: path, headers: { 'grpc-metadata-authorization': `Bearer ${token}`, 'content-type': 'application/json' } }]);
  t.strictSame(bodyOf(requests[0]), { queueItem: { confirmed: false, fPort: 5, data: 'Cgs=', expiresAt: '2026-03-05T05:06:07.000Z' }, flushQueue: false });
});

void t.test('ChirpStack 4: an object, confirmed, in place of what waits; below a path of a proxy', async (t) => {
  const api = await startApi(t, () => ({ status: 200, body: '{"id":"q-2"}' }));
  for (const url of [`${api.url}/cs`, `${api.url}/cs/`, `${api.url}/cs/api`]) {
    await clientOf(t, { url }).submit?.(downlinkOf({ object: { led: 'on' }, confirmed: true, flush: true }), { api: 'v4' });
  }
  t.strictSame(api.requests.map(({ url }) => url), Array.from({ length: 3 }, () => `/cs${path}`));
  t.strictSame(bodyOf(api.requests[2]), { queueItem: { confirmed: true, fPort: 5, object: { led: 'on' }, expiresAt: '2026-03-05T05:06:07.000Z' }, flushQueue: true });
});

void t.test('ChirpStack 3, by its webhooks or by configuration', async (t) => {
  const reply = { status: 200, body: '{"fCnt":12}' };
  const learned = await send(t, { reply, address: { api: 'v3' } });
  t.strictSame(learned.outcome, { kind: 'accepted', ids: ['fCnt:12'] });
  t.match(learned.requests, [{ method: 'POST', url: path, headers: { 'grpc-metadata-authorization': `Bearer ${token}` } }]);
  t.strictSame(bodyOf(learned.requests[0]), { deviceQueueItem: { confirmed: false, fPort: 5, data: 'Cgs=' } });
  const configured = await send(t, { reply: { status: 200, body: '{}' }, settings: { api: 'v3' }, address: { api: 'v4' }, downlink: { object: { led: 1 }, confirmed: true } });
  t.strictSame(configured.outcome, { kind: 'accepted', ids: ['fCnt:0'] }, '0 is left out by ChirpStack');
  t.strictSame(bodyOf(configured.requests[0]), { deviceQueueItem: { confirmed: true, fPort: 5, jsonObject: '{"led":1}' } });
});

void t.test('ChirpStack 3: flush empties the queue first, and nothing is sent when that fails', async (t) => {
  const taken = { status: 200, body: '{"fCnt":3}' };
  const flush = { settings: { api: 'v3' as const }, downlink: { flush: true } };
  const done = await send(t, { ...flush, reply: ({ method }) => (method === 'DELETE' ? { status: 200, body: '{}' } : taken) });
  t.strictSame(done.outcome, { kind: 'accepted', ids: ['fCnt:3'] });
  t.match(done.requests, [{ method: 'DELETE', url: path, headers: { 'grpc-metadata-authorization': `Bearer ${token}` } }, { method: 'POST', url: path }]);
  const rows: readonly (readonly [Reply, object])[] = [
    ['reset', { kind: 'later', reason: 'network_server_timeout', scope: 'network-server', counts: true }],
    [{ status: 503 }, { kind: 'later', reason: 'network_server_busy' }],
    [{ status: 404, body: '{"code":5,"message":"object does not exist"}' }, { kind: 'never', cause: { code: 'NOT_FOUND', text: 'object does not exist' } }],
  ];
  for (const [reply, expected] of rows) {
    const failed = await send(t, { ...flush, reply: ({ method }) => (method === 'DELETE' ? reply : taken) });
    t.match(failed.outcome, expected, JSON.stringify(reply));
    t.strictSame(failed.requests.map(({ method }) => method), ['DELETE']);
  }
});

void t.test('every other answer', async (t) => {
  const rows: readonly (readonly [Reply, object])[] = [
    [{ status: 401, body: '{"code":16,"message":"authentication failed: not authorized","details":[]}' }, { kind: 'later', reason: 'network_server_unauthorised', scope: 'network-server', counts: false, cause: { code: 'UNAUTHENTICATED' } }],
    [{ status: 404, body: '{"code":5,"message":"Object does not exist (id: 0018b20000000b20)","details":[]}' }, { kind: 'never', reason: 'network_server_refused', cause: { code: 'NOT_FOUND', text: /does not exist/ } }],
    [{ status: 400, body: '{"code":3,"message":"f_port must be > 0"}' }, { kind: 'never', reason: 'network_server_refused', cause: { code: 'INVALID_ARGUMENT' } }],
    [{ status: 503, body: '{"code":14,"message":"connection refused"}', headers: { 'retry-after': '2' } }, { kind: 'later', reason: 'network_server_busy', scope: 'network-server', counts: true, retryAfterMs: 2_000 }],
    [{ status: 500, body: '{"code":13,"message":"storage"}' }, { kind: 'later', reason: 'network_server_busy' }],
    [{ status: 200, body: '<!doctype html><title>ChirpStack</title>' }, { kind: 'never', reason: 'network_server_refused', cause: { code: '200', text: /not an answer of ChirpStack/ } }],
    [{ status: 200, body: '{}' }, { kind: 'never', reason: 'network_server_refused' }],
    [{ status: 200, body: '{"id":7}' }, { kind: 'never', reason: 'network_server_refused' }],
    [{ status: 200, cutBody: '{"id":"' }, { kind: 'unknown', reason: 'network_server_timeout' }],
    ['reset', { kind: 'unknown', reason: 'network_server_timeout' }],
  ];
  for (const [reply, expected] of rows) t.match((await send(t, { reply })).outcome, expected, JSON.stringify(reply));
  const quoting = await send(t, { reply: { status: 403, body: `{"code":7,"message":"token ${token} may not"}` } });
  t.match(quoting.outcome, { kind: 'later', cause: { text: 'token [redacted] may not' } });
  t.match((await send(t, { reply: 'silence', settings: { timeoutMs: 100 } })).outcome, { kind: 'unknown', reason: 'network_server_timeout', cause: { text: 'no answer within 100 ms' } });
});

void t.test('TLS: an API whose certificate is not trusted gets nothing; with its CA it does', async (t) => {
  const authority = await issueCertificate('ca', 'Network servers');
  const api = await startApi(t, () => ({ status: 200, body: '{"id":"q-1"}' }), await issueCertificate('server', 'api', authority));
  t.match(await clientOf(t, { url: api.url }).submit?.(downlinkOf(), {}), { kind: 'later', reason: 'network_server_unreachable', scope: 'network-server', counts: false, cause: { text: /certificate/ } });
  t.equal(api.requests.length, 0);
  t.match(await clientOf(t, { url: api.url, ca: [authority.certificate] }).submit?.(downlinkOf(), {}), { kind: 'accepted' });
});

void t.test('without a token no header is made up', async (t) => {
  const api = await startApi(t, () => ({ status: 200, body: '{"id":"q-1"}' }));
  const client = createDownlinkClient('chirpstack', { timeoutMs: 5_000, url: api.url });
  t.teardown(() => client.close());
  await client.submit?.(downlinkOf(), {});
  t.notOk('grpc-metadata-authorization' in (api.requests[0]?.headers ?? {}));
});

void t.test('what ChirpStack can never take, what its events say and until when', async (t) => {
  const client = clientOf(t, { url: 'http://127.0.0.1:8090' });
  t.match(refusal(() => clientOf(t, {}).check(downlinkOf())), { reason: 'downlink_unsupported' });
  t.match(refusal(() => client.check(downlinkOf({ deviceId: 'x' }))), { reason: 'downlink_unsupported', field: 'deviceId' });
  t.match(refusal(() => client.check(downlinkOf({ fPort: 0 }))), { reason: 'invalid_field', field: 'fPort' });
  t.match(refusal(() => client.check(downlinkOf({ payload: '00'.repeat(243) }))), { reason: 'invalid_field', field: 'payload' });
  t.match(refusal(() => client.check({ ...downlinkOf(), object: {} })), { reason: 'invalid_field', field: 'payload' });
  for (const more of [{}, { object: { a: 1 } }, { payload: '' }]) t.doesNotThrow(() => client.check(downlinkOf(more)));
  t.match(refusal(() => clientOf(t, { url: 'http://a:b@127.0.0.1' })), { reason: 'config_invalid' });
  t.strictSame(client.idsOf(downlinkOf()), []);
  const confirmed = downlinkOf({ confirmed: true });
  t.strictSame((['submitted', 'sent'] as const).flatMap((state) => [client.reportsAfter(state, confirmed), client.reportsAfter(state, downlinkOf())]), [true, true, true, false]);
});

void t.test('each webhook tells the version of the API', async (t) => {
  const adapter = networkServerAdapters.chirpstack;
  for (const { name, request, expected } of readFixtures('chirpstack').fixtures.filter(({ expected }) => expected.messages !== undefined)) {
    for (const { address } of adapter.parse(adapter.read(request, {}), request, {})) t.strictSame(address, { api: name.slice(0, 2) }, name);
    t.ok(expected.messages);
  }
});

void t.test('the alarm and the end of the downlink have keys of their own', async (t) => {
  const { request } = readFixtures('chirpstack').fixtures.find(({ name }) => name === 'v4-log-expired.json') ?? {};
  if (request === undefined) throw new Error('the fixture is gone');
  const adapter = networkServerAdapters.chirpstack;
  const messages = adapter.parse(adapter.read(request, {}), request, {});
  t.strictSame(messages.map(({ fields }) => fields.type), ['alarm', 'downlink-status']);
  t.equal(new Set(messages.map(({ idempotencyKey }) => idempotencyKey)).size, 2);
});
