import t, { type Test } from 'tap';
import { createHttpClient, type HttpClient, type HttpClientOptions, type HttpExchange } from '../../src/network-servers/http-exchange.js';
import { issueCertificate } from '../../src/sandbox/issue-certificate.js';
import { closedPort, startApi, startProxy, startTcp } from './api-server.js';

const clientOf = (t: Test, options: Partial<HttpClientOptions> = {}): HttpClient => {
  const client = createHttpClient({ timeoutMs: 5_000, ...options });
  t.teardown(() => client.close());
  return client;
};

const post = (client: HttpClient, url: string): Promise<HttpExchange> => client.exchange({ method: 'POST', url: new URL(url), body: '{}' });

const ok = () => ({ status: 200, body: 'taken' });

void t.test('an answer comes with status, headers and body; the request carries what was asked', async (t) => {
  const api = await startApi(t, () => ({ status: 201, body: 'ä', headers: { 'retry-after': '7' } }));
  const client = clientOf(t);
  const exchange = await client.exchange({ method: 'POST', url: new URL(`${api.url}/a/b?c=d%2Be`), headers: { 'content-type': 'application/json', 'x-one': '1' }, body: '{"a":1}' });
  t.match(exchange, { kind: 'answered', status: 201, body: 'ä', headers: { 'retry-after': '7' } });
  t.match(api.requests, [{ method: 'POST', url: '/a/b?c=d%2Be', body: '{"a":1}', headers: { 'user-agent': 'lpwan-aws-bridge', 'content-type': 'application/json', 'content-length': '7', 'x-one': '1' } }]);
  await client.exchange({ method: 'DELETE', url: new URL(api.url) });
  t.match(api.requests[1], { method: 'DELETE', url: '/', body: '' });
});

void t.test('connections are used again, and there are never more than 64', async (t) => {
  const api = await startApi(t, ok);
  const client = clientOf(t);
  for (let index = 0; index < 10; index += 1) await post(client, api.url);
  t.equal(api.requests.length, 10);
  // A connection is free again one turn of the event loop after its answer, and the next request comes before that.
  t.ok(api.sockets() <= 2, `${api.sockets()} connections for ten requests one after another`);
  const crowd = await Promise.all(Array.from({ length: 200 }, () => post(client, api.url)));
  t.ok(crowd.every(({ kind }) => kind === 'answered'));
  t.ok(api.sockets() <= 64, `${api.sockets()} connections for 200 requests at once`);
});

void t.test('nothing sent: refused, or closed by this side', async (t) => {
  const client = clientOf(t);
  const refused = await post(client, `http://127.0.0.1:${await closedPort()}/?Token=hidden`);
  t.match(refused, { kind: 'unsent', detail: /ECONNREFUSED/ });
  t.notMatch(JSON.stringify(refused), /hidden/);
  const api = await startApi(t, ok);
  const closed = createHttpClient({ timeoutMs: 5_000 });
  await closed.close();
  t.match(await post(closed, api.url), { kind: 'unsent' });
  t.equal(api.requests.length, 0);
});

void t.test('nothing sent: a header that HTTP cannot carry, whose value is not told', async (t) => {
  const api = await startApi(t, ok);
  const exchange = await clientOf(t).exchange({ method: 'POST', url: new URL(api.url), headers: { authorization: 'Bearer se\ncret' } });
  t.match(exchange, { kind: 'unsent', detail: /authorization/ });
  t.notMatch(JSON.stringify(exchange), /cret/);
  t.equal(api.requests.length, 0);
});

void t.test('nothing sent: TLS never begins, and the bound of the request counts', async (t) => {
  const port = await startTcp(t, () => undefined);
  const client = clientOf(t, { timeoutMs: 60_000 });
  const exchange = await client.exchange({ method: 'POST', url: new URL(`https://127.0.0.1:${port}`), timeoutMs: 100 });
  t.strictSame(exchange, { kind: 'unsent', detail: 'no connection within 100 ms' });
});

void t.test('a request that waited too long for one of the 64 connections is never sent afterwards', async (t) => {
  const answers: (() => void)[] = [];
  const api = await startApi(t, () => new Promise((resolve) => answers.push(() => resolve({ status: 200 }))));
  const client = clientOf(t);
  const busy = Array.from({ length: 64 }, () => post(client, api.url));
  const late = await client.exchange({ method: 'POST', url: new URL(api.url), body: 'late', timeoutMs: 200 });
  t.strictSame(late, { kind: 'unsent', detail: 'no connection within 200 ms' });
  answers.forEach((answer) => answer());
  await Promise.all(busy);
  const after = post(client, api.url);
  while (answers.length < 65) await new Promise((resolve) => setImmediate(resolve));
  answers[64]?.();
  t.match(await after, { kind: 'answered', status: 200 });
  t.strictSame(api.requests.filter(({ body }) => body === 'late'), []);
});

void t.test('sent but not answered: silence, a reset, an answer cut off', async (t) => {
  const client = clientOf(t, { timeoutMs: 200 });
  const silent = await startApi(t, () => 'silence');
  t.strictSame(await post(client, silent.url), { kind: 'unanswered', detail: 'no answer within 200 ms' });
  const patient = clientOf(t);
  const reset = await startApi(t, () => 'reset');
  t.match(await post(patient, reset.url), { kind: 'unanswered' });
  const cut = await startApi(t, () => ({ status: 200, cutBody: '{"id":"' }));
  t.match(await post(patient, cut.url), { kind: 'unanswered' });
  t.same([silent.requests.length, reset.requests.length, cut.requests.length], [1, 1, 1], 'nothing was sent twice');
});

void t.test('a refusal whose text is cut off is a refusal', async (t) => {
  const api = await startApi(t, () => ({ status: 503, cutBody: 'come back la' }));
  t.match(await post(clientOf(t), api.url), { kind: 'answered', status: 503, body: 'come back la' });
});

void t.test('64 KiB of an answer are enough, and the next request is not disturbed', async (t) => {
  let count = 0;
  const api = await startApi(t, () => ({ status: 200, body: (count += 1) === 1 ? 'x'.repeat(1_000_000) : 'short' }));
  const client = clientOf(t);
  const exchange = await post(client, api.url);
  t.equal(exchange.kind === 'answered' && exchange.body.length, 65_536);
  t.match(await post(client, api.url), { kind: 'answered', body: 'short' });
});

void t.test('a redirect is not followed', async (t) => {
  const other = await startApi(t, ok);
  const api = await startApi(t, () => ({ status: 307, headers: { location: other.url } }));
  t.match(await post(clientOf(t), api.url), { kind: 'answered', status: 307 });
  t.equal(other.requests.length, 0);
});

void t.test('TLS: the certificate is verified, whatever the environment says', async (t) => {
  const authority = await issueCertificate('ca', 'Network servers');
  const certificate = await issueCertificate('server', 'api', authority);
  const api = await startApi(t, ok, certificate);
  t.match(await post(clientOf(t), api.url), { kind: 'unsent', detail: /certificate/ });
  const stranger = await issueCertificate('ca', 'Somebody else');
  t.match(await post(clientOf(t, { ca: [stranger.certificate] }), api.url), { kind: 'unsent' });
  const trusting = clientOf(t, { ca: [stranger.certificate, authority.certificate] });
  t.match(await post(trusting, api.url), { kind: 'answered', status: 200 });
  t.match(await post(trusting, api.url.replace('127.0.0.1', 'localhost')), { kind: 'answered', status: 200 });
  const { NODE_TLS_REJECT_UNAUTHORIZED: before } = process.env;
  t.teardown(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
  });
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  t.match(await post(clientOf(t), api.url), { kind: 'unsent', detail: /certificate/ });
  t.equal(api.requests.length, 2);
});

void t.test('TLS: a certificate for another name is refused', async (t) => {
  const authority = await issueCertificate('ca', 'Network servers');
  const api = await startApi(t, ok, await issueCertificate('client', 'no server names', authority));
  t.match(await post(clientOf(t, { ca: [authority.certificate] }), api.url), { kind: 'unsent' });
  t.equal(api.requests.length, 0);
});

void t.test('a proxy carries HTTP and HTTPS in tunnels, which are used again', async (t) => {
  const authority = await issueCertificate('ca', 'Network servers');
  const plain = await startApi(t, ok);
  const secure = await startApi(t, ok, await issueCertificate('server', 'api', authority));
  const proxy = await startProxy(t);
  const client = clientOf(t, { proxy: proxy.url.replace('http://', 'http://bridge:p%40ss@'), ca: [authority.certificate] });
  for (const { url } of [plain, secure, plain, secure]) t.match(await post(client, url), { kind: 'answered', status: 200 }, url);
  const authorization = `Basic ${Buffer.from('bridge:p@ss').toString('base64')}`;
  t.strictSame(proxy.tunnels, [plain, secure].map(({ port }) => ({ target: `127.0.0.1:${port}`, authorization })));
  t.notOk(plain.requests.some(({ headers }) => 'proxy-authorization' in headers), 'the credentials are the proxy\'s');
  t.match(await post(clientOf(t, { proxy: proxy.url }), secure.url), { kind: 'unsent', detail: /certificate/ }, 'the proxy proves nothing for the target');
});

void t.test('a proxy that refuses, is silent or is not there: nothing was sent', async (t) => {
  const api = await startApi(t, ok);
  const refusing = await startProxy(t, 407);
  const refused = await post(clientOf(t, { proxy: refusing.url.replace('http://', 'http://bridge:secret@') }), api.url);
  t.match(refused, { kind: 'unsent', detail: /407/ });
  t.notMatch(JSON.stringify(refused), /secret/);
  const silent = await startProxy(t, 'silence');
  t.match(await post(clientOf(t, { proxy: silent.url, timeoutMs: 200 }), api.url), { kind: 'unsent' });
  t.match(await post(clientOf(t, { proxy: `http://127.0.0.1:${await closedPort()}` }), api.url), { kind: 'unsent', detail: /ECONNREFUSED/ });
  t.equal(api.requests.length, 0);
});
