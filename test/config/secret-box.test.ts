import { randomBytes } from 'node:crypto';
import t from 'tap';
import { createSecretBox, parseKey } from '../../src/config/secret-box.js';

const key = randomBytes(32);
const context = 'connection/main/configuration.privateKey';
const locked = { reason: 'secrets_locked', message: /\w/ } as const;

void t.test('what is sealed opens again, and shows nothing of itself', async (t) => {
  const box = createSecretBox({ key, previousKeys: [] });
  for (const text of ['', 'a', 'Schlüssel «é» 温度', 'x'.repeat(70_000)]) {
    const sealed = box.seal(text, context);
    t.equal(box.open(sealed, context), text);
    t.match(sealed, /^v1\.[0-9a-f]{8}\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{22,}$/);
    t.ok(box.isCurrent(sealed));
  }
  t.notMatch(box.seal('marker-of-a-secret', context), /marker/);
  t.not(box.seal('a', context), box.seal('a', context), 'a new IV each time');
  const ivs = new Set(Array.from({ length: 1_000 }, () => box.seal('a', context).split('.')[2]));
  t.equal(ivs.size, 1_000, 'no IV twice');
});

void t.test('what was changed or moved does not open', async (t) => {
  const box = createSecretBox({ key, previousKeys: [] });
  const sealed = box.seal('the secret', context);
  const [version = '', id = '', iv = '', body = ''] = sealed.split('.');
  const turned = (text: string): string => `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`;
  t.throws(() => box.open(sealed, 'connection/other/configuration.privateKey'), locked, 'another resource');
  t.throws(() => box.open([version, id, turned(iv), body].join('.'), context), locked, 'another IV');
  t.throws(() => box.open([version, id, iv, turned(body)].join('.'), context), locked, 'another cipher text');
  t.throws(() => box.open([version, id, iv, body.slice(0, -4)].join('.'), context), locked, 'a shorter one');
  t.throws(() => box.open(sealed.slice(0, 30), context), locked, 'a part of it');
  for (const text of ['', 'v1', 'v2.00000000.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAA', `${sealed}\n`, `${sealed}.`]) t.throws(() => box.open(text, context), locked, JSON.stringify(text));
});

void t.test('a key of before opens and does not count as current', async (t) => {
  const before = randomBytes(32);
  const sealed = createSecretBox({ key: before, previousKeys: [] }).seal('the secret', context);
  const box = createSecretBox({ key, previousKeys: [randomBytes(32), before] });
  t.equal(box.open(sealed, context), 'the secret');
  t.notOk(box.isCurrent(sealed));
  t.ok(box.isCurrent(box.seal(box.open(sealed, context), context)));
  t.throws(() => createSecretBox({ key, previousKeys: [] }).open(sealed, context), { ...locked, detail: /^the key [0-9a-f]{8} is not configured$/ });
});

void t.test('a key is 32 bytes', async (t) => {
  for (const text of [key.toString('base64'), key.toString('base64url'), key.toString('hex'), key.toString('hex').toUpperCase(), ` ${key.toString('base64')}\n`]) t.strictSame(parseKey(text), key, text);
  for (const text of ['', 'short', key.toString('base64').slice(4), `${key.toString('base64')}AAAA`, key.toString('hex').slice(2), 'g'.repeat(64), randomBytes(31).toString('base64'), randomBytes(33).toString('base64')]) t.equal(parseKey(text), undefined, text);
  t.throws(() => createSecretBox({ key: randomBytes(16), previousKeys: [] }), RangeError);
  t.throws(() => createSecretBox({ key, previousKeys: [randomBytes(31)] }), RangeError);
});
