import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { Downlink, SubmitOutcome } from '../../src/messages/downlink.js';
import type { DownlinkClient, DownlinkSettings } from '../../src/network-servers/downlink-client.js';
import { createDownlinkClient } from '../../src/network-servers/registry.js';
import { downlinkQuery, downlinkToken } from '../../src/network-servers/thingpark/downlink.js';
import { closedPort, downlinkOf, refusal, startApi, type ApiServer, type Reply } from './api-server.js';

const queued = '<html><body>Request queued by LRC</body></html>';
const proof = { asId: 'TWA_100.200.AS', asKey: '46AB678cd45df4a4e4b375eacd096acc' };

const clientOf = (t: Test, settings: Partial<DownlinkSettings>): DownlinkClient => {
  const client = createDownlinkClient('thingpark', { timeoutMs: 5_000, ...settings });
  t.teardown(() => client.close());
  return client;
};

const submitTo = async (t: Test, reply: Reply, settings: Partial<DownlinkSettings> = {}): Promise<{ api: ApiServer; outcome: SubmitOutcome | undefined }> => {
  const api = await startApi(t, () => reply);
  return { api, outcome: await clientOf(t, { url: api.url, ...settings }).submit?.(downlinkOf(), {}) };
};

void t.test('the plain request', async (t) => {
  const { api, outcome } = await submitTo(t, { status: 200, body: queued });
  t.strictSame(outcome, { kind: 'accepted', ids: [] });
  const [request] = api.requests;
  t.match(request, { method: 'POST', body: '', headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '0' } });
  t.equal(request?.url, '/thingpark/lrc/rest/downlink?DevEUI=0018B20000000B20&FPort=5&Payload=0a0b&ValidityTime=2026-03-05T05%3A06%3A07.000Z&CorrelationID=9F2C4E11AA00BB77');
});

void t.test('the whole request: every parameter in its place, and the Token over the query as it is before encoding', async (t) => {
  const downlink = downlinkOf({ confirmed: true, flush: true, options: { FCntDn: '7', AFCntDn: 8, RetryIneligibleGateways: '1', priority: 'HIGH' } });
  const now = Date.parse('2026-03-04T06:00:00.000Z');
  const plain =
    'DevEUI=0018B20000000B20&FPort=5&Payload=0a0b&FCntDn=7&AFCntDn=8&RetryIneligibleGateways=1&Confirmed=1&FlushDownlinkQueue=1' +
    '&ValidityTime=2026-03-05T05:06:07.000Z&AS_ID=TWA_100.200.AS&Time=2026-03-04T06:00:00.000Z&CorrelationID=9F2C4E11AA00BB77';
  const token = createHash('sha256').update(`${plain}${proof.asKey}`).digest('hex');
  t.equal(downlinkQuery(downlink, { timeoutMs: 1, ...proof }, now), `${plain.replaceAll(':', '%3A')}&Token=${token}`);

  const api = await startApi(t, () => ({ status: 200, body: queued }));
  await clientOf(t, { url: `${api.url}/own/path`, ...proof }).submit?.(downlink, {});
  const url = new URL(api.requests[0]?.url ?? '', api.url);
  t.equal(url.pathname, '/own/path', 'a path of the operator is kept');
  const [signed, sent] = decodeURIComponent(url.search.slice(1)).split('&Token=');
  t.equal(sent, createHash('sha256').update(`${signed}${proof.asKey}`).digest('hex'), 'what arrived verifies');
  t.ok(Math.abs(Date.parse(url.searchParams.get('Time') ?? '') - Date.now()) < 60_000);
});

void t.test('Token vectors', async (t) => {
  t.equal(downlinkToken('DevEUI=000000000F1D8693&FPort=1&Payload=00', 'aBc'), '52c81fffb41ec9f983e7395b6413d3eb09c4d1a3700954ec9c3827bbf474aba8');
  const path = '../shared/fixtures/actility/downlink-token-vector.json';
  if (!existsSync(path)) {
    t.comment(`absent: ${path}`);
    return;
  }
  const vector = JSON.parse(readFileSync(path, 'utf8')) as { queryWithoutToken: string; key: string; Token: string };
  t.equal(downlinkToken(vector.queryWithoutToken, vector.key), vector.Token);
});

void t.test('the LRC answers 200 whatever happened: its text decides', async (t) => {
  const rows: readonly (readonly [Reply, object])[] = [
    [{ status: 200, body: '<html><body>Invalid Payload</body></html>' }, { kind: 'never', reason: 'network_server_refused', cause: { code: '200', text: 'Invalid Payload' } }],
    [{ status: 200, body: 'ValidityTime is over' }, { kind: 'never', reason: 'network_server_refused' }],
    [{ status: 200, body: '' }, { kind: 'never', reason: 'network_server_refused', cause: { code: '200', text: /empty/ } }],
    [{ status: 202, body: queued }, { kind: 'never', reason: 'network_server_refused' }],
    [{ status: 200, body: '<html><body>Security check failed: invalid Token</body></html>' }, { kind: 'later', reason: 'network_server_unauthorised', scope: 'network-server', counts: false }],
    [{ status: 200, body: 'Time deviation is too large' }, { kind: 'later', reason: 'network_server_unauthorised' }],
    [{ status: 200, body: 'AS_ID unknown' }, { kind: 'later', reason: 'network_server_unauthorised' }],
    [{ status: 401, body: 'no' }, { kind: 'later', reason: 'network_server_unauthorised', cause: { code: '401', text: 'no' } }],
    [{ status: 404, body: '<h1>Not here</h1>' }, { kind: 'never', reason: 'network_server_refused', cause: { code: '404', text: 'Not here' } }],
    [{ status: 429, headers: { 'retry-after': '9' } }, { kind: 'later', reason: 'network_server_busy', counts: true, retryAfterMs: 9_000 }],
    [{ status: 503 }, { kind: 'later', reason: 'network_server_busy', counts: true, scope: 'network-server' }],
    ['reset', { kind: 'unknown', reason: 'network_server_timeout' }],
  ];
  for (const [reply, expected] of rows) t.match((await submitTo(t, reply)).outcome, expected, JSON.stringify(reply));
});

void t.test('neither the key nor the Token is ever in an outcome', async (t) => {
  const api = await startApi(t, ({ url }) => ({ status: 400, body: `cannot do ${url} with ${proof.asKey}` }));
  const outcome = await clientOf(t, { url: api.url, ...proof }).submit?.(downlinkOf(), {});
  const token = new URL(api.requests[0]?.url ?? '', api.url).searchParams.get('Token') ?? '';
  t.equal(token.length, 64);
  t.match(outcome, { kind: 'never', cause: { code: '400', text: /cannot do/ } });
  for (const secret of [token, proof.asKey]) t.notOk(JSON.stringify(outcome).includes(secret));
  const dead = await clientOf(t, { url: `http://127.0.0.1:${await closedPort()}`, ...proof }).submit?.(downlinkOf(), {});
  t.match(dead, { kind: 'later', reason: 'network_server_unreachable', counts: false });
  t.notMatch(JSON.stringify(dead), /Token|46AB/);
});

void t.test('what ThingPark can never take', async (t) => {
  const client = clientOf(t, { url: 'https://lrc.example.com' });
  const rows: readonly (readonly [Partial<Downlink>, { reason: string; field?: string }])[] = [
    [{ object: { on: true } }, { reason: 'downlink_unsupported', field: 'payload' }],
    [{ payload: '' }, { reason: 'invalid_field', field: 'payload' }],
    [{ payload: '0' }, { reason: 'invalid_field', field: 'payload' }],
    [{ payload: 'zz' }, { reason: 'invalid_field', field: 'payload' }],
    [{ payload: '00'.repeat(243) }, { reason: 'invalid_field', field: 'payload' }],
    [{ fPort: 0 }, { reason: 'invalid_field', field: 'fPort' }],
    [{ fPort: 224 }, { reason: 'invalid_field', field: 'fPort' }],
    [{ fPort: 1.5 }, { reason: 'invalid_field', field: 'fPort' }],
    [{ deviceId: 'cold-room-7' }, { reason: 'downlink_unsupported', field: 'deviceId' }],
    [{ options: { FCntDn: -1 } }, { reason: 'invalid_field', field: 'FCntDn' }],
    [{ options: { AFCntDn: {} } }, { reason: 'invalid_field', field: 'AFCntDn' }],
    [{ options: { RetryIneligibleGateways: 'maybe' } }, { reason: 'invalid_field', field: 'RetryIneligibleGateways' }],
  ];
  for (const [more, expected] of rows) t.match(refusal(() => client.check(downlinkOf(more))), expected, JSON.stringify(more).slice(0, 60));
  const { fPort: _, ...withoutPort } = downlinkOf();
  t.match(refusal(() => client.check(withoutPort)), { reason: 'invalid_field', field: 'fPort' });
  for (const more of [{}, { payload: '00'.repeat(242) }, { fPort: 1 }, { fPort: 223 }, { options: { FCntDn: 4_294_967_295 } }]) t.doesNotThrow(() => client.check(downlinkOf(more)));
  t.match(refusal(() => clientOf(t, {}).check(downlinkOf())), { reason: 'downlink_unsupported', field: undefined });
  t.match(await clientOf(t, {}).submit?.(downlinkOf(), {}), { kind: 'never', reason: 'downlink_unsupported' });
});

void t.test('settings that cannot work', async (t) => {
  for (const url of ['', 'lrc.example.com', 'ftp://lrc.example.com', 'https://a:b@lrc.example.com', 'https://lrc.example.com/x?y=1']) {
    t.match(refusal(() => createDownlinkClient('thingpark', { timeoutMs: 1, url })), { reason: 'config_invalid', field: 'downlink.url' }, url);
  }
  t.match(refusal(() => createDownlinkClient('thingpark', { timeoutMs: 1, asKey: 'k' })), { reason: 'config_invalid' });
  t.match(refusal(() => createDownlinkClient('thingpark', { timeoutMs: 1, asId: 'i' })), { reason: 'config_invalid' });
});

void t.test('what events will say, and until when', async (t) => {
  const client = clientOf(t, {});
  t.equal(client.delivery, 'submit');
  t.strictSame(client.idsOf(downlinkOf()), ['9F2C4E11AA00BB77']);
  t.equal(client.reportsAfter('submitted', downlinkOf()), true);
  t.equal(client.reportsAfter('sent', downlinkOf({ confirmed: true })), false);
});
