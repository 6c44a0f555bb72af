import { field, wrong, type FieldSpec } from './field.js';
import { maxText, readText } from './scalars.js';
import { Secret } from './secret.js';

/** JSON Schema's patterns have no flag for it. */
const anyCase = (protocol: string): string => [...protocol].map((letter) => `[${letter}${letter.toUpperCase()}]`).join('');

const patternOf = (protocols: readonly string[]): string => `^(${protocols.map(anyCase).join('|')}):`;

const urlJson = (protocols: readonly string[]) => ({ type: 'string', pattern: patternOf(protocols), maxLength: maxText });

const readUrl = (value: unknown, protocols: readonly string[]): URL => {
  const given = readText(value);
  return URL.canParse(given) && new RegExp(patternOf(protocols)).test(given) ? new URL(given) : wrong(`must be a URL of ${protocols.join(' or ')}`);
};

/** A URL that may hold credentials, which is why it is never printed. */
export const secretUrl = (spec: FieldSpec, protocols: readonly string[]) =>
  field({ form: 'URL, secret', json: urlJson(protocols), ...spec, secret: true, file: true }, (value) => {
    readUrl(value, protocols);
    return new Secret(readText(value));
  });

/** The base address of an HTTP API; `instead` tells where credentials belong, which may not stand in it. */
export const httpUrl = (spec: FieldSpec, instead: string) =>
  field({ form: 'URL', json: urlJson(['http', 'https']), ...spec }, (value): string => {
    const { username, password } = readUrl(value, ['http', 'https']);
    return username === '' && password === '' ? readText(value) : wrong(`must not hold credentials; use ${instead}`);
  });
