import { field, readEntries, section, wrong, type FieldSpec } from './field.js';
import { readText } from './scalars.js';
import { parseKey } from './secret-box.js';
import { Secret } from './secret.js';

const keyPattern = '^\\s*([0-9a-fA-F]{64}|[A-Za-z0-9+/_-]{43}=?)\\s*$';

const readKey = (value: unknown): Secret => (parseKey(readText(value)) === undefined ? wrong('must be 32 bytes, as base64 or as 64 hex digits') : new Secret(readText(value).trim()));

const key = (spec: FieldSpec) => field({ form: '32 bytes, secret', json: { type: 'string', pattern: keyPattern }, ...spec, secret: true, file: true }, readKey);

/** A file or a variable holds them one after the other. */
const textsOf = (value: unknown): unknown[] => {
  if (Array.isArray(value)) return value;
  return readText(value).split(/[\s,]+/).filter((text) => text !== '');
};

const maxKeys = 100;

const readKeys = (value: unknown): Secret[] => {
  const texts = textsOf(value);
  return texts.length > maxKeys ? wrong(`must have at most ${maxKeys} entries`) : readEntries(texts, readKey);
};

const keys = (spec: FieldSpec) =>
  field({ form: 'list of keys, secret', json: { type: ['array', 'string'], items: { type: 'string', pattern: keyPattern }, maxItems: maxKeys }, ...spec, secret: true, file: true }, readKeys);

/** What the secrets of stored resources are sealed with; `parseKey` of `secret-box.ts` makes bytes of the texts. */
export const secretsSchema = section('The keys that secrets of connections and network servers made through the API are encrypted with.', {
  key: key({ description: 'Key for sealing and opening: 32 random bytes as base64 or 64 hex digits. When absent the bridge makes one, in `secrets.key` under dataDir; with Redis every replica needs the same.', hint: '${SECRETS_KEY}' }).optional(),
  previousKeys: keys({ description: 'Keys of before, for opening only; several in one text have spaces, commas or line ends between them.', hint: '["${OLD_SECRETS_KEY}"]' }).prefault([]),
}).prefault({});
