import t from 'tap';
import { jsonOf } from './support/call.js';
import { exampleDevice, openApi, type TestApi } from './support/open-api.js';

type Listed = { readonly parkedMessages: readonly Record<string, unknown>[]; readonly next?: string };

const list = async (api: TestApi, filter = ''): Promise<Listed> => (await api.get(`/parked-messages${filter}`)) as unknown as Listed;
const idsOf = async (api: TestApi, filter = ''): Promise<unknown[]> => (await list(api, filter)).parkedMessages.map(({ id }) => id);
const replay = async (api: TestApi, body: unknown) => jsonOf(await api.call({ method: 'POST', path: '/parked-messages/replay', body }));

void t.test('a parked message is shown with its reason and its payload, as text where it is text', async (t) => {
  const api = await openApi(t);
  const text = await api.park({ payload: Buffer.from('{"temperature":"21 °C"}\n') });
  const binary = await api.park({ payload: Buffer.from([0xff, 0x00]) });
  const control = await api.park({ payload: Buffer.from([0x41, 0x00]) });
  const empty = await api.park({ payload: Buffer.alloc(0) });
  const shown = await api.get(`/parked-messages/${text}`);
  t.match(shown, {
    id: text,
    connection: 'main',
    networkServer: 'factory',
    device: exampleDevice,
    type: 'uplink',
    reason: 'topic_unresolved',
    detail: 'the pattern has no value',
    payload: Buffer.from('{"temperature":"21 °C"}\n').toString('base64'),
    payloadText: '{"temperature":"21 °C"}\n',
    size: 25,
  });
  t.equal('expiresAt' in shown, false);
  t.match(await api.get(`/parked-messages/${binary}`), { payload: '/wA=', size: 2 });
  for (const id of [binary, control]) t.equal('payloadText' in (await api.get(`/parked-messages/${id}`)), false);
  t.match(await api.get(`/parked-messages/${empty}`), { payload: '', payloadText: '', size: 0 });
  t.strictSame((await list(api)).parkedMessages[0], shown);
});

void t.test('parked messages are listed by filter, oldest first, a page at a time', async (t) => {
  const api = await openApi(t);
  const ids: string[] = [];
  for (let count = 0; count < 60; count += 1) ids.push(await api.park(count % 3 === 0 ? { reason: 'payload_too_large', deviceId: 'aa' } : { connectionId: count % 3 === 1 ? 'main' : 'second' }));
  const first = await list(api, '?limit=40');
  t.strictSame(first.parkedMessages.map(({ id }) => id), ids.slice(0, 40));
  t.strictSame(await idsOf(api, `?limit=40&after=${first.next ?? ''}`), ids.slice(40));
  t.equal((await list(api, `?limit=40&after=${first.next ?? ''}`)).next, undefined);
  t.equal((await list(api, '?limit=60')).next, undefined, 'a full last page is the last');
  t.equal((await idsOf(api, '?reason=payload_too_large')).length, 20);
  t.equal((await idsOf(api, '?device=AA')).length, 20, 'a device in either case');
  t.equal((await idsOf(api, '?connection=second')).length, 20);
  t.equal((await idsOf(api, '?connection=second&reason=payload_too_large')).length, 0);
  t.equal((await idsOf(api, '?networkServer=factory&limit=500')).length, 60);
});

void t.test('a page of long payloads ends early and says so', async (t) => {
  const api = await openApi(t);
  for (let count = 0; count < 60; count += 1) await api.park({ payload: Buffer.alloc(128 * 1024, 1) });
  const seen: unknown[] = [];
  let page = await list(api, '?limit=500');
  t.ok(page.parkedMessages.length < 60);
  for (; ; page = await list(api, `?limit=500&after=${page.next ?? ''}`)) {
    seen.push(...page.parkedMessages.map(({ id }) => id));
    if (page.next === undefined) break;
  }
  t.equal(new Set(seen).size, 60);
});

void t.test('parked messages are replayed: one, by ids, by filter in steps', async (t) => {
  const api = await openApi(t);
  const ids: string[] = [];
  for (let count = 0; count < 8; count += 1) ids.push(await api.park({}));
  const kept = await api.park({ connectionId: 'gone' });

  t.strictSame(jsonOf(await api.call({ method: 'POST', path: `/parked-messages/${ids[0]}/replay` })), { replayed: 1, refused: [] });
  t.equal((await api.call({ method: 'POST', path: `/parked-messages/${ids[0]}/replay` })).status, 404);
  t.equal((await api.call({ method: 'POST', path: `/parked-messages/${ids[1]}/replay`, headers: { 'content-type': 'application/json', 'content-length': '0' } })).status, 200, 'an empty body is none');
  t.match(jsonOf(await api.call({ method: 'POST', path: `/parked-messages/${kept}/replay` })), { replayed: 0, refused: [{ id: kept, reason: 'no_connection' }] });
  t.strictSame(await replay(api, { ids: [ids[2], ids[2], ids[0], '987654'] }), { replayed: 1, refused: [], missing: [ids[0], '987654'] });

  const first = await replay(api, { filter: { connection: 'main' }, limit: 3 });
  t.strictSame(first, { replayed: 3, refused: [], missing: [], next: ids[5] });
  t.strictSame(await replay(api, { filter: { connection: 'main' }, limit: 3, after: first['next'] }), { replayed: 2, refused: [], missing: [] });
  t.match(await replay(api, { filter: {} }), { replayed: 0, refused: [{ id: kept }], missing: [] });
  t.strictSame(await replay(api, { filter: { connection: 'main' } }), { replayed: 0, refused: [], missing: [] });
  t.strictSame(await idsOf(api), [kept]);
  t.equal(api.outbox.pending('main').messages, 8);
  t.match(await api.get('/audit'), {
    audit: [
      { action: 'replay', kind: 'parked message', id: '2 messages', changed: ['connection'] },
      { action: 'replay', id: '3 messages' },
      { action: 'replay', id: '1 messages' },
      { action: 'replay', id: ids[1] },
      { action: 'replay', id: ids[0] },
    ],
  });
});

void t.test('parked messages are deleted: one, and by filter in steps', async (t) => {
  const api = await openApi(t);
  const ids: string[] = [];
  for (let count = 0; count < 5; count += 1) ids.push(await api.park({}));
  const other = await api.park({ reason: 'payload_too_large' });
  const gone = await api.call({ method: 'DELETE', path: `/parked-messages/${ids[0]}` });
  t.equal(gone.status, 204);
  t.equal(gone.text, '');
  t.equal((await api.call({ path: `/parked-messages/${ids[0]}` })).status, 404);
  const path = '/parked-messages?reason=topic_unresolved&limit=3';
  t.strictSame(jsonOf(await api.call({ method: 'DELETE', path })), { deleted: 3, more: true });
  t.strictSame(jsonOf(await api.call({ method: 'DELETE', path })), { deleted: 1, more: false });
  t.strictSame(jsonOf(await api.call({ method: 'DELETE', path })), { deleted: 0, more: false });
  t.strictSame(await idsOf(api), [other]);
  t.equal(((await api.get('/audit'))['audit'] as unknown[]).length, 3);
});
