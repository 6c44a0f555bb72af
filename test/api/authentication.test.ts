import { connect } from 'node:net';
import t from 'tap';
import { hashToken, issueToken, makeToken } from '../../src/api/tokens.js';
import { BridgeError } from '../../src/errors.js';
import { createLogger } from '../../src/log.js';
import { jsonOf, type Call } from './support/call.js';
import { openApi, unavailable } from './support/open-api.js';

const rows: readonly { readonly name: string; readonly call: Call & { readonly as?: 'read' | 'operate' | 'admin' }; readonly status: number; readonly reason?: string }[] = [
  { name: 'no token', call: { path: '/devices' }, status: 401, reason: 'token_required' },
  { name: 'a token that was never made', call: { path: '/devices', token: makeToken() }, status: 401, reason: 'token_required' },
  { name: 'something that is no token', call: { path: '/devices', token: 'secret' }, status: 401, reason: 'token_required' },
  { name: 'another scheme', call: { path: '/devices', headers: { authorization: 'Basic YTpi' } }, status: 401, reason: 'token_required' },
  { name: 'an empty header', call: { path: '/devices', headers: { authorization: '' } }, status: 401, reason: 'token_required' },
  { name: 'two tokens in one header', call: { path: '/devices', headers: { authorization: `Bearer ${makeToken()} ${makeToken()}` } }, status: 401, reason: 'token_required' },
  { name: 'the role read for looking', call: { path: '/devices', as: 'read' }, status: 200 },
  { name: 'the role read for a downlink', call: { method: 'POST', path: '/downlinks', as: 'read', body: {} }, status: 403, reason: 'role_too_low' },
  { name: 'the role operate for a downlink', call: { method: 'POST', path: '/downlinks', as: 'operate', body: {} }, status: 400, reason: 'invalid_field' },
  { name: 'the role operate for looking', call: { path: '/devices', as: 'operate' }, status: 200 },
  { name: 'the role operate for tokens', call: { path: '/tokens', as: 'operate' }, status: 403, reason: 'role_too_low' },
  { name: 'the role operate for deleting parked messages', call: { method: 'DELETE', path: '/parked-messages/1', as: 'operate' }, status: 403, reason: 'role_too_low' },
  { name: 'the role admin for tokens', call: { path: '/tokens', as: 'admin' }, status: 200 },
  { name: 'no token for an unknown address', call: { path: '/nothing' }, status: 401, reason: 'token_required' },
  { name: 'a token for an unknown address', call: { path: '/nothing', as: 'read' }, status: 404, reason: 'unknown_route' },
  { name: 'no token for the document', call: { path: '/openapi.json' }, status: 401, reason: 'token_required' },
  { name: 'HEAD without a token', call: { method: 'HEAD', path: '/devices' }, status: 401 },
  { name: 'no token for /live', call: { path: '/live' }, status: 200 },
  { name: 'no token for /ready', call: { path: '/ready' }, status: 200 },
  { name: 'a wrong token for /live', call: { path: '/live', token: 'secret' }, status: 200 },
  { name: 'no token for /health, which is open', call: { path: '/health' }, status: 200 },
  { name: 'a wrong token for /health, which is open', call: { path: '/health', token: makeToken() }, status: 401, reason: 'token_required' },
  { name: 'no token for /metrics, which is not open', call: { path: '/metrics' }, status: 401, reason: 'token_required' },
  { name: 'the role read for /metrics', call: { path: '/metrics', as: 'read' }, status: 200 },
];

void t.test('with tokens: who gets in', async (t) => {
  const api = await openApi(t, { authenticate: 'always', openPaths: ['health'] });
  for (const { name, call, status, reason } of rows) {
    const answer = await api.call(call);
    t.equal(answer.status, status, name);
    if (reason !== undefined) t.equal(jsonOf(answer)['reason'], reason, name);
    t.equal(typeof answer.headers['www-authenticate'], status === 401 ? 'string' : 'undefined', `${name}: challenge`);
  }
});

void t.test('a token ends at its time, and when it is removed', async (t) => {
  const api = await openApi(t, { authenticate: 'always' });
  const expired = issueToken({ name: 'old', role: 'admin', expiresAt: Date.now() - 1 });
  const valid = issueToken({ name: 'new', role: 'admin', expiresAt: Date.now() + 60_000 });
  await api.bridge.tokens.add(expired.stored);
  await api.bridge.tokens.add(valid.stored);
  const answer = await api.call({ path: '/devices', token: expired.token });
  t.equal(answer.status, 401);
  t.equal(jsonOf(answer)['detail'], jsonOf(await api.call({ path: '/devices', token: makeToken() }))['detail'], 'an expired token looks like an unknown one');
  t.equal((await api.call({ path: '/devices', token: valid.token })).status, 200);
  await api.bridge.tokens.remove(valid.stored.id);
  t.equal((await api.call({ path: '/devices', token: valid.token })).status, 401);
});

void t.test('the hash of a token is no token', async (t) => {
  const api = await openApi(t, { authenticate: 'always' });
  t.equal((await api.call({ path: '/devices', token: hashToken(api.tokens.admin) })).status, 401);
});

void t.test('what is refused is counted and logged, and no token stands in the log or the answer', async (t) => {
  const api = await openApi(t, { authenticate: 'always' });
  const token = makeToken();
  const texts: string[] = [];
  for (let count = 0; count < 3; count += 1) texts.push((await api.call({ path: '/devices', token })).text);
  await api.call({ path: '/devices' });
  await api.call({ path: '/tokens', as: 'read' });
  const { text } = await api.call({ path: '/metrics' });
  t.match(text, /lpwan_bridge_api_requests_refused_total\{cause="unknown"\} 3\n/);
  t.match(text, /lpwan_bridge_api_requests_refused_total\{cause="missing"\} 1\n/);
  t.match(text, /lpwan_bridge_api_requests_refused_total\{cause="role_too_low"\} 1\n/);
  t.match(text, /lpwan_bridge_api_requests_refused_total\{cause="expired"\} 0\n/);
  t.equal(api.log().split('\n').filter((line) => line.includes('"unknown"')).length, 1, 'one line for the same again');
  for (const secret of [token, hashToken(token), api.tokens.read]) t.notOk([api.log(), ...texts].some((written) => written.includes(secret)));
});

void t.test('many wrong tokens at once do not keep a right one waiting for good', async (t) => {
  const api = await openApi(t, { authenticate: 'always' });
  const wrong = Array.from({ length: 150 }, () => api.call({ path: '/devices', token: makeToken() }));
  t.equal((await api.call({ path: '/devices', as: 'read' })).status, 200);
  t.same(new Set((await Promise.all(wrong)).map(({ status }) => status)), new Set([401]));
});

void t.test('when the tokens cannot be read nobody gets in, but probes are answered', async (t) => {
  const api = await openApi(t, { authenticate: 'always' });
  api.bridge.tokens.find = async () => {
    throw new BridgeError('store_unavailable', { detail: '/var/lib/bridge/tokens.json is damaged' });
  };
  for (let count = 0; count < 2; count += 1) {
    const answer = await api.call({ path: '/devices', as: 'admin' });
    t.equal(answer.status, 503);
    t.match(jsonOf(answer), { reason: 'store_unavailable', detail: 'the tokens cannot be read' }, 'who proved nothing is told nothing');
  }
  t.equal(api.log().split('tokens.json is damaged').length, 2, 'the log tells once');
  t.equal((await api.call({ path: '/live', as: 'admin' })).status, 200);
});

const local = 'http://127.0.0.1';
const trusted: readonly { readonly name: string; readonly headers: Readonly<Record<string, string>>; readonly ok: boolean }[] = [
  { name: 'no special header', headers: {}, ok: true },
  { name: 'Host localhost', headers: { host: 'localhost' }, ok: true },
  { name: 'Host LOCALHOST:9090', headers: { host: 'LOCALHOST:9090' }, ok: true },
  { name: 'Host 127.0.0.1', headers: { host: '127.0.0.1:9090' }, ok: true },
  { name: 'Host 127.9.9.9', headers: { host: '127.9.9.9' }, ok: true },
  { name: 'Host [::1]', headers: { host: '[::1]:9090' }, ok: true },
  { name: 'Host of another site whose name was made to resolve to loopback', headers: { host: 'attacker.example:9090' }, ok: false },
  { name: 'Host that begins like loopback', headers: { host: '127.0.0.1.attacker.example' }, ok: false },
  { name: 'Host that begins with localhost', headers: { host: 'localhost.attacker.example' }, ok: false },
  { name: 'Host of the local network', headers: { host: '192.168.1.10:9090' }, ok: false },
  { name: 'the own page', headers: { host: '127.0.0.1:9090', origin: `${local}:9090`, 'sec-fetch-site': 'same-origin' }, ok: true },
  { name: 'a page of another port', headers: { host: '127.0.0.1:9090', origin: `${local}:3000` }, ok: false },
  { name: 'a page of another site', headers: { host: '127.0.0.1:9090', origin: 'https://attacker.example' }, ok: false },
  { name: 'a page in a sandboxed frame or of a file', headers: { host: '127.0.0.1:9090', origin: 'null' }, ok: false },
  { name: 'a page that hides its origin, by fetch metadata', headers: { 'sec-fetch-site': 'cross-site' }, ok: false },
  { name: 'a page of the same site but another origin', headers: { 'sec-fetch-site': 'same-site' }, ok: false },
  { name: 'an address that was typed', headers: { 'sec-fetch-site': 'none' }, ok: true },
  { name: 'a proxy with X-Forwarded-For', headers: { 'x-forwarded-for': '203.0.113.9' }, ok: false },
  { name: 'a proxy with Forwarded', headers: { forwarded: 'for=203.0.113.9' }, ok: false },
  { name: 'a proxy with Via', headers: { via: '1.1 proxy' }, ok: false },
];

void t.test('on loopback without a token: the machine itself is trusted, a web page or a proxy is not', async (t) => {
  const api = await openApi(t);
  for (const { name, headers, ok } of trusted) {
    for (const [method, path] of [['GET', '/devices'], ['GET', '/tokens'], ['GET', '/metrics'], ['DELETE', '/devices/70b3d5e75e00a1b2/downlinks']] as const) {
      t.equal((await api.call({ method, path, headers })).status, ok ? 200 : 401, `${name}: ${method} ${path}`);
      t.equal((await api.call({ method, path, headers, as: 'admin' })).status, 200, `${name}, with a token: ${method} ${path}`);
    }
    t.equal((await api.call({ path: '/live', headers })).status, 200, `${name}: /live`);
  }
});

void t.test('on loopback without a token: a request without a Host header is not trusted', async (t) => {
  const api = await openApi(t);
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  socket.end('GET /devices HTTP/1.0\r\n\r\n');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  t.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.\d 401 /);
});

void t.test('on loopback a token that is given is checked all the same', async (t) => {
  const api = await openApi(t);
  t.equal((await api.call({ path: '/devices', token: makeToken() })).status, 401);
  t.equal((await api.call({ path: '/tokens', as: 'read' })).status, 403);
  t.equal((await api.call({ path: '/metrics', token: 'wrong' })).status, 401);
});

void t.test('bound to all addresses, loopback is not trusted', async (t) => {
  for (const host of ['0.0.0.0', '::']) {
    const api = await openApi(t, { host, openPaths: [] });
    const url = new URL(api.url);
    t.not(url.port, '0');
    t.equal((await api.call({ path: '/devices' })).status, 401, host);
    t.equal((await api.call({ path: '/health' })).status, 401, host);
    t.equal((await api.call({ path: '/devices', as: 'read' })).status, 200, host);
  }
});

void t.test('bound to the name localhost, loopback is trusted', async (t) => {
  const api = await openApi(t, { host: 'localhost' });
  t.equal((await api.call({ path: '/tokens' })).status, 200);
});

void t.test('with `always` loopback needs a token too', async (t) => {
  const api = await openApi(t, { authenticate: 'always', openPaths: [] });
  t.equal((await api.call({ path: '/devices' })).status, 401);
  t.equal((await api.call({ path: '/health' })).status, 401);
});

void t.test('who changed something is in the audit', async (t) => {
  const api = await openApi(t);
  await api.call({ method: 'POST', path: '/tokens', body: { name: 'by loopback', role: 'read' } });
  await api.call({ method: 'POST', path: '/tokens', body: { name: 'by token', role: 'read' }, as: 'admin' });
  const { audit } = (await api.get('/audit')) as { audit: Record<string, unknown>[] };
  t.match(audit, [
    { who: 'test admin', role: 'admin', from: '127.0.0.1', action: 'create', kind: 'token' },
    { who: 'loopback', role: 'admin', from: '127.0.0.1', action: 'create', kind: 'token' },
  ]);
});

void t.test('a change is made although its audit entry cannot be kept; the log keeps it then', async (t) => {
  const api = await openApi(t, { bridge: { audit: { audit: async () => unavailable(), audits: async () => ({ entries: [] }) } }, logger: createLogger('silent') });
  t.equal((await api.call({ method: 'POST', path: '/tokens', body: { name: 'one', role: 'read' } })).status, 201);
});
