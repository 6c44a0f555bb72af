import { createHash } from 'node:crypto';
import type { Test } from 'tap';
import type { StoredToken, TokenStore } from '../../src/api/ports.js';
import { until } from '../support/until.js';

/** One durable place; several may be open at the same time, as the daemon and the command line are. */
export interface TokenPlace {
  open(): Promise<TokenStore>;
}

/** A new, empty place for each test, cleaned up by `t.teardown`. */
export type NewTokenPlace = (t: Test) => Promise<TokenPlace>;

export const newToken = (name: string, more: Partial<StoredToken> = {}): StoredToken => ({
  id: createHash('md5').update(name).digest('hex').slice(0, 12),
  name,
  role: 'read',
  hash: createHash('sha256').update(name).digest('hex'),
  createdAt: 1_000,
  ...more,
});

const opened = async (t: Test, place: TokenPlace): Promise<TokenStore> => {
  const store = await place.open();
  t.teardown(() => store.close());
  return store;
};

const namesOf = async (store: TokenStore): Promise<string[]> => (await store.list()).map(({ name }) => name).sort();

/** What every adapter of `TokenStore` must do. */
export const tokenStoreContract = async (t: Test, newPlace: NewTokenPlace): Promise<void> => {
  await t.test('tokens are listed, found by their hash and removed by their id, also after a restart', async (t) => {
    const place = await newPlace(t);
    const store = await opened(t, place);
    t.strictSame(await store.list(), []);
    const a = newToken('a «é»', { role: 'admin' });
    const b = newToken('b', { role: 'operate', expiresAt: 5_000 });
    t.equal(await store.find(a.hash), undefined);
    t.equal(await store.remove(a.id), false);
    await store.add(a);
    await store.add(b);
    t.strictSame([...(await store.list())].sort((one, other) => one.name.localeCompare(other.name)), [a, b]);
    t.strictSame(await store.find(a.hash), a);
    t.strictSame(await store.find(b.hash), b, 'an expired one too');
    t.equal(await store.find(a.id), undefined);
    await store.close();
    const again = await opened(t, place);
    t.strictSame(await again.find(b.hash), b);
    t.equal(await again.remove(b.id), true);
    t.equal(await again.remove(b.id), false);
    t.equal(await again.find(b.hash), undefined);
    t.same(await namesOf(again), ['a «é»']);
  });
  await t.test('one that is open follows what another does', async (t) => {
    const place = await newPlace(t);
    const [daemon, command] = [await opened(t, place), await opened(t, place)];
    const token = newToken('made by the command');
    t.equal(await daemon.find(token.hash), undefined);
    await command.add(token);
    await until('the daemon knows it', async () => (await daemon.find(token.hash)) !== undefined);
    await command.remove(token.id);
    await until('the daemon does not let it in any more', async () => (await daemon.find(token.hash)) === undefined);
    t.strictSame(await daemon.list(), []);
  });
  await t.test('many changes at once, from two sides: none is lost', async (t) => {
    const place = await newPlace(t);
    const sides = [await opened(t, place), await opened(t, place)];
    const old = newToken('old');
    await sides[0]?.add(old);
    const names = Array.from({ length: 12 }, (_, index) => `n${index}`);
    await Promise.all([...names.map((name, index) => sides[index % 2]?.add(newToken(name))), sides[1]?.remove(old.id)]);
    t.same(await namesOf(await opened(t, place)), [...names].sort());
    for (const side of sides) await until('both know all', async () => (await side.list()).length === names.length);
  });
};
