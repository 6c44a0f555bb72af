import t from 'tap';
import { kindRows } from '../../../src/api/resources/kinds.js';
import { mask, maskSecrets, openSecrets, resealSecrets, sealSecrets, unmaskSecrets } from '../../../src/api/resources/secrets.js';
import { createSecretBox } from '../../../src/config/secret-box.js';
import { testBox as box } from './support/api.js';

const place = { kind: 'network-server', id: 'factory', node: kindRows['network-server'].node };
const document = {
  id: 'factory',
  kind: 'thingpark',
  authenticate: { token: { key: 'marker-token', asId: 'TPX.1' } },
  downlink: { url: 'http://127.0.0.1:1', asId: 'TPX.1', asKey: 'marker-as-key', proxy: 'http://user:marker-proxy@127.0.0.1:1' },
};
const masked = { ...document, authenticate: { token: { key: mask, asId: 'TPX.1' } }, downlink: { url: 'http://127.0.0.1:1', asId: 'TPX.1', asKey: mask, proxy: mask } };

void t.test('every secret is sealed, opened and masked, and nothing else', async (t) => {
  const sealed = sealSecrets(box, place, document);
  t.notMatch(JSON.stringify(sealed), /marker/);
  t.strictSame(openSecrets(box, place, sealed), document);
  t.strictSame(maskSecrets(place.node, sealed), masked);
  t.strictSame(maskSecrets(place.node, document), masked, 'also where it is in clear text');
  t.throws(() => openSecrets(box, { ...place, id: 'other' }, sealed), { reason: 'secrets_locked', field: 'authenticate.token.key', message: /changed or moved/ }, 'it cannot be moved');
});

void t.test('a document that the schema does not fit loses no secret and shows none', async (t) => {
  const sealed = sealSecrets(box, place, document);
  const strange = { ...sealed, unknownSection: { deep: [{ $sealed: 'v1.of-a-later-version' }], plain: 1 }, fields: 'wrong', downlink: [sealed.downlink ?? null] };
  const shown = maskSecrets(place.node, strange);
  t.strictSame(shown['unknownSection'], { deep: [mask], plain: 1 });
  t.notMatch(JSON.stringify(shown), /\$sealed/);
  const values = { ...document, authenticate: { bearer: { nested: 'marker' }, token: { key: 17 } } };
  t.strictSame(maskSecrets(place.node, values)['authenticate'], { bearer: mask, token: { key: mask } }, 'whatever stands where a secret belongs');
  t.notMatch(JSON.stringify(sealSecrets(box, place, values)), /marker/);
});

void t.test('a mask keeps what was there', async (t) => {
  const sealed = sealSecrets(box, place, document);
  const { document: unmasked, problems } = unmaskSecrets(box, place, masked, sealed);
  t.strictSame(problems, []);
  t.strictSame(unmasked, document);
  t.strictSame(sealSecrets(box, place, unmasked, sealed), sealed, 'sealed as it was');
  const changed = sealSecrets(box, place, { ...document, authenticate: { token: { key: 'new-key' } } }, sealed);
  t.not(JSON.stringify(changed['authenticate']), JSON.stringify(sealed['authenticate']));
  t.strictSame(changed['downlink'], sealed['downlink']);
});

void t.test('a mask without a value is refused by its path', async (t) => {
  const paths = (result: ReturnType<typeof unmaskSecrets>): string[] => result.problems.map(({ path }) => path);
  t.strictSame(paths(unmaskSecrets(box, place, masked)), ['authenticate.token.key', 'downlink.asKey', 'downlink.proxy']);
  t.strictSame(paths(unmaskSecrets(box, place, masked, sealSecrets(box, place, { ...document, downlink: {} }))), ['downlink.asKey', 'downlink.proxy']);
  const other = createSecretBox({ key: Buffer.alloc(32, 9), previousKeys: [] });
  t.match(unmaskSecrets(other, place, masked, sealSecrets(box, place, document)).problems, [{ path: 'authenticate.token.key', message: /a key that the bridge does not have/ }, {}, {}]);
  const given = { ...document, authenticate: { bearer: { $sealed: 'v1.x' } } };
  t.strictSame(unmaskSecrets(box, place, given).problems, [{ path: 'authenticate.bearer', message: 'must be text' }], 'nobody sends sealed secrets');
  t.strictSame(unmaskSecrets(box, place, { ...document, id: mask, batchPattern: mask }).problems, [], 'elsewhere it is just text');
});

void t.test('secrets are sealed anew with the current key', async (t) => {
  const sealed = sealSecrets(box, place, document);
  t.equal(resealSecrets(box, place, sealed), undefined, 'they are already');
  const next = createSecretBox({ key: Buffer.alloc(32, 8), previousKeys: [Buffer.alloc(32, 7)] });
  const resealed = resealSecrets(next, place, sealed);
  t.strictSame(openSecrets(createSecretBox({ key: Buffer.alloc(32, 8), previousKeys: [] }), place, resealed ?? {}), document, 'the old key is not needed any more');
  t.throws(() => resealSecrets(createSecretBox({ key: Buffer.alloc(32, 8), previousKeys: [] }), place, sealed), { reason: 'secrets_locked', message: /is not configured/ });
});
