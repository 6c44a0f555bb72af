import t from 'tap';
import { hashToken, issueToken, looksLikeToken, makeToken, reaches, roles } from '../../src/api/tokens.js';
import { jsonOf } from './support/call.js';
import { openApi } from './support/open-api.js';

void t.test('a token has its form and 256 random bits', async (t) => {
  const made = new Set(Array.from({ length: 100 }, makeToken));
  t.equal(made.size, 100);
  for (const token of made) t.match(token, /^lpb_[A-Za-z0-9_-]{43}$/);
  t.ok(looksLikeToken(makeToken()));
  for (const wrong of ['', 'lpb_', `lpb_${'a'.repeat(42)}`, `lpb_${'a'.repeat(44)}`, `xyz_${'a'.repeat(43)}`, `lpb_${'a'.repeat(42)}+`, `${makeToken()}\n`]) t.notOk(looksLikeToken(wrong), JSON.stringify(wrong));
});

void t.test('the hash is SHA-256 in hex', async (t) => {
  t.equal(hashToken('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

void t.test('what is kept of a token does not hold it', async (t) => {
  const { token, stored } = issueToken({ name: 'a', role: 'read', expiresAt: 5 });
  t.notOk(JSON.stringify(stored).includes(token.slice(4)));
  t.match(stored, { name: 'a', role: 'read', expiresAt: 5, hash: hashToken(token) });
  t.equal(issueToken({ name: 'a', role: 'read' }).stored.expiresAt, undefined);
});

void t.test('each role includes those before it', async (t) => {
  t.same(roles.map((held) => roles.filter((needed) => reaches(held, needed))), [['read'], ['read', 'operate'], ['read', 'operate', 'admin']]);
});

void t.test('a token is made, works, is listed without itself, and is deleted', async (t) => {
  const api = await openApi(t, { authenticate: 'always' });
  const made = await api.call({ method: 'POST', path: '/tokens', as: 'admin', body: { name: 'dashboard', role: 'read', expiresAt: '2099-01-01T00:00:00Z' } });
  t.equal(made.status, 201);
  const { id, token, createdAt, ...rest } = jsonOf(made);
  t.strictSame(rest, { name: 'dashboard', role: 'read', expiresAt: '2099-01-01T00:00:00.000Z' });
  t.type(createdAt, 'string');
  t.equal(made.headers.location, `/tokens/${String(id)}`);
  t.equal((await api.call({ path: '/devices', token: String(token) })).status, 200);
  t.equal((await api.call({ path: '/tokens', token: String(token) })).status, 403);

  const listed = await api.call({ path: '/tokens', as: 'admin' });
  t.match(jsonOf(listed), { tokens: [{}, {}, {}, { id, name: 'dashboard', role: 'read', expiresAt: '2099-01-01T00:00:00.000Z' }] });
  t.notOk(listed.text.includes(String(token)));
  t.notOk(listed.text.includes(hashToken(String(token))));

  t.equal((await api.call({ method: 'DELETE', path: `/tokens/${String(id)}`, as: 'admin' })).status, 204);
  t.equal((await api.call({ path: '/devices', token: String(token) })).status, 401);
  t.equal((await api.call({ method: 'DELETE', path: `/tokens/${String(id)}`, as: 'admin' })).status, 404);
  const { audit } = jsonOf(await api.call({ path: '/audit', as: 'admin' }));
  t.match(audit, [{ action: 'delete', kind: 'token', id, who: 'test admin' }, { action: 'create', kind: 'token', id }]);
  t.notOk(api.log().includes(String(token)));
});

void t.test('two tokens cannot share a name', async (t) => {
  const api = await openApi(t);
  t.equal((await api.call({ method: 'POST', path: '/tokens', body: { name: 'a', role: 'read' } })).status, 201);
  const second = await api.call({ method: 'POST', path: '/tokens', body: { name: 'A', role: 'admin' } });
  t.equal(second.status, 409);
  t.match(jsonOf(second), { reason: 'resource_exists', field: 'name' });
});
