import t from 'tap';
import type { BridgeEvent } from '../../src/messages/bridge-event.js';
import { until } from '../support/until.js';
import { exampleDevice, openApi, type TestApi } from './support/open-api.js';

type Listed = { readonly events: readonly { readonly text: string }[]; readonly next?: string };

const list = async (api: TestApi, filter = ''): Promise<Listed> => (await api.get(`/events${filter}`)) as unknown as Listed;
const textsOf = async (api: TestApi, filter: string): Promise<string[]> => (await list(api, filter)).events.map(({ text }) => text);

const event = (text: string, time: number, more: Partial<BridgeEvent> = {}): BridgeEvent => ({ subject: { kind: 'connection', id: 'main' }, time, level: 'info', text, ...more });

void t.test('events are listed newest first, by subject, device, level and reason', async (t) => {
  const api = await openApi(t);
  api.note(event('state OPENED', 1_000));
  api.note(event('uplink skipped', 2_000, { level: 'warning', reason: 'thing_missing', detail: 'no thing', deviceId: exampleDevice, messageId: 'm1' }));
  api.note(event('webhook refused', 3_000, { subject: { kind: 'network-server', id: 'factory' }, level: 'error', reason: 'unauthenticated' }));
  api.note(event('downlink failed', 4_000, { subject: { kind: 'bridge', id: 'bridge' }, downlinkId: 'd1' }));
  await until('all events are there', async () => (await list(api)).events.length === 4);
  t.match(await list(api), {
    events: [
      { subject: { kind: 'bridge', id: 'bridge' }, downlinkId: 'd1' },
      { subject: { kind: 'network-server', id: 'factory' }, level: 'error' },
      { text: 'uplink skipped', time: '1970-01-01T00:00:02.000Z', reason: 'thing_missing', detail: 'no thing', device: exampleDevice, messageId: 'm1' },
      { subject: { kind: 'connection', id: 'main' }, text: 'state OPENED' },
    ],
  });
  t.strictSame(await textsOf(api, '?connection=main'), ['uplink skipped', 'state OPENED']);
  t.strictSame(await textsOf(api, '?networkServer=factory'), ['webhook refused']);
  t.strictSame(await textsOf(api, `?device=${exampleDevice.toUpperCase()}`), ['uplink skipped']);
  t.strictSame(await textsOf(api, '?level=error'), ['webhook refused']);
  t.strictSame(await textsOf(api, '?reason=thing_missing&connection=main'), ['uplink skipped']);
  t.strictSame(await textsOf(api, '?connection=other'), []);
});

void t.test('a filter finds what lies pages back, and every event once', async (t) => {
  const api = await openApi(t);
  for (let count = 0; count < 100; count += 1) api.note(event(`number ${count}`, count, count === 3 || count === 90 ? { level: 'error' } : {}));
  await until('all events are there', async () => (await list(api, '?limit=200')).events.length === 100);
  const found: string[] = [];
  let page = await list(api, '?limit=2&level=error');
  for (; ; page = await list(api, `?limit=2&level=error&after=${encodeURIComponent(page.next ?? '')}`)) {
    found.push(...page.events.map(({ text }) => text));
    if (page.next === undefined) break;
  }
  t.strictSame(found, ['number 90', 'number 3']);
  const first = await list(api, '?limit=60');
  t.equal(first.events.length, 60);
  t.equal((await list(api, `?limit=60&after=${encodeURIComponent(first.next ?? '')}`)).events.length, 40);
});

void t.test('the audit is listed newest first, a page at a time', async (t) => {
  const api = await openApi(t);
  for (let count = 0; count < 5; count += 1) await api.call({ method: 'POST', path: '/tokens', body: { name: `n${count}`, role: 'read' } });
  const first = (await api.get('/audit?limit=3')) as { audit: { id: string }[]; next: string };
  const second = (await api.get(`/audit?limit=3&after=${encodeURIComponent(first.next)}`)) as { audit: { id: string }[]; next?: string };
  t.equal(second.next, undefined);
  const ids = (await api.bridge.tokens.list()).slice(3).map(({ id }) => id);
  t.strictSame([...first.audit, ...second.audit].map(({ id }) => id), ids.reverse());
});
