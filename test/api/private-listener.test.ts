import t from 'tap';
import { createTestCertificates } from '../support/certificates.js';
import { jsonOf, send } from './support/call.js';
import { openApi } from './support/open-api.js';

void t.test('/ready tells why webhooks cannot be accepted, /live does not care', async (t) => {
  const api = await openApi(t, { notReady: () => 'outbox_full' });
  const answer = await api.call({ path: '/ready' });
  t.equal(answer.status, 503);
  t.strictSame(jsonOf(answer), { status: 'not ready', reason: 'outbox_full', title: 'The outbox is full' });
  t.equal((await api.call({ path: '/live' })).status, 200);
});

void t.test('/health shows what the bridge says, /metrics what the registry holds', async (t) => {
  const problem = { component: 'connection main', reason: 'tls_failed', detail: 'expired', since: '2026-01-01T00:00:00.000Z' } as const;
  const api = await openApi(t, { health: () => ({ status: 'degraded', problems: [problem], slot: 's1' }) });
  t.strictSame(await api.get('/health'), { status: 'degraded', problems: [problem], slot: 's1' });
  const metrics = await api.call({ path: '/metrics' });
  t.match(metrics.headers['content-type'], /^text\/plain; version=0\.0\.4/);
  t.match(metrics.text, /^# HELP lpwan_bridge_api_requests_refused_total/m);
});

void t.test('after stop nothing listens any more, also when the page was open', async (t) => {
  const api = await openApi(t);
  t.equal((await api.call({ path: '/docs' })).status, 200);
  await api.stop();
  await t.rejects(send(api.url, { path: '/live' }), { code: 'ECONNREFUSED' });
});

void t.test('stopping one that never started does nothing', async (t) => {
  const api = await openApi(t);
  await api.stop();
  await t.resolves(api.stop());
});

void t.test('with a certificate it speaks HTTPS only', async (t) => {
  const { cert, key } = await createTestCertificates();
  const api = await openApi(t, { tls: { certificate: cert, privateKey: key } });
  t.match(api.url, /^https:/);
  t.equal((await api.call({ path: '/devices' })).status, 200);
  t.equal((await api.call({ path: '/docs' })).status, 200);
  await t.rejects(send(api.url.replace('https:', 'http:'), { path: '/live' }));
});
