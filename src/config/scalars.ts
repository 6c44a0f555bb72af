import { isIP } from 'node:net';
import { field, listOf, wrong, type FieldSpec } from './field.js';
import { Secret } from './secret.js';
import { bytesPattern, durationPattern, parseBytes, parseDuration } from './units.js';

/** Most characters of a text, a name for people and a secret. */
export const maxText = 1_024;
export const maxName = 200;
export const maxSecret = 1_024;

/** A text with something in it, at most `max` characters long; with further demands behind it. */
export const readText = (value: unknown, max = maxText): string => {
  if (typeof value !== 'string') return wrong(typeof value === 'number' || typeof value === 'boolean' ? 'must be text: put it in quotes' : 'must be text');
  if (value.trim() === '') return wrong('must not be empty');
  return value.length > max ? wrong(`must be at most ${max} characters`) : value;
};

const textJson = (max: number) => ({ type: 'string', pattern: '\\S', maxLength: max });

export const text = (spec: FieldSpec, max = maxText) => field({ json: textJson(max), ...spec }, (value) => readText(value, max));

/** A name for people. */
export const name = (spec: FieldSpec) => text(spec, maxName);

/** A text of one form, which `form` tells in words. The pattern has no flags, because JSON Schema knows none. */
export const textLike = (spec: FieldSpec & { readonly form: string }, pattern: RegExp) =>
  field({ json: { type: 'string', pattern: pattern.source, maxLength: maxText }, ...spec }, (value) => {
    const read = readText(value);
    return pattern.test(read) ? read : wrong(`must be ${spec.form}`);
  });

/** An id stands in addresses, topics, metrics and client ids. */
export const idForm = '1 to 32 letters, digits and dashes, no dash first';
export const idPattern = /^[a-zA-Z0-9][a-zA-Z0-9-]{0,31}$/;
export const id = (spec: FieldSpec) => textLike({ ...spec, form: idForm }, idPattern);

/** Ids of other resources. */
export const ids = (spec: FieldSpec) =>
  listOf(spec, {
    what: 'ids',
    min: 1,
    read: (value) => (typeof value === 'string' && idPattern.test(value) ? value : wrong(`must be ${idForm}`)),
    json: { type: 'string', pattern: idPattern.source },
  });

export interface Range {
  readonly min: number;
  readonly max: number;
}

const integerText = /^-?\d{1,15}$/;

export const readInteger = (value: unknown, { min, max }: Range): number => {
  const number = typeof value === 'string' && integerText.test(value.trim()) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < min || number > max) return wrong(`must be a whole number from ${min} to ${max}`);
  return number;
};

/** Also as text, because `${VAR}` and forms make texts of numbers. */
export const integer = (spec: FieldSpec, range: Range) =>
  field({ form: `${range.min} … ${range.max}`, json: { type: ['integer', 'string'], minimum: range.min, maximum: range.max, pattern: '^\\s*-?\\d{1,15}\\s*$' }, ...spec }, (value) => readInteger(value, range));

const truths: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([[true, true], ['true', true], [false, false], ['false', false]]);

export const boolean = (spec: FieldSpec) =>
  field({ form: 'true or false', json: { type: ['boolean', 'string'], enum: [...truths.keys()] }, ...spec }, (value) => truths.get(value) ?? wrong('must be true or false'));

const isScalar = (value: unknown): value is string | number => typeof value === 'string' || typeof value === 'number';

/** A value that YAML reads as a number (`5`) is the same as its text. */
const choicesJson = (values: readonly string[]) => {
  const numbers = values.filter((value) => String(Number(value)) === value).map(Number);
  return numbers.length === 0 ? { type: 'string', enum: values } : { type: ['string', 'number'], enum: [...values, ...numbers] };
};

export const choice = <const T extends string>(spec: FieldSpec, values: readonly T[]) =>
  field({ form: values.join(', '), json: choicesJson(values), ...spec }, (value): T => values.find((one) => isScalar(value) && one === String(value)) ?? wrong(`must be one of ${values.join(', ')}`));

export interface TextRange {
  readonly min: string;
  readonly max: string;
}

/** What a pattern cannot tell is told in words. */
const ranged = ({ description }: FieldSpec, { min, max }: TextRange): string => `${description} From ${min} to ${max}.`;

/** Milliseconds out of `10s`. The range is told in the same words. */
export const duration = (spec: FieldSpec, range: TextRange) =>
  field({ form: `${range.min} … ${range.max}`, json: { type: 'string', pattern: durationPattern, description: ranged(spec, range) }, ...spec }, (value): number => {
    const ms = typeof value === 'string' ? parseDuration(value) : undefined;
    if (ms === undefined) return wrong('must be a duration with its unit, such as 500ms, 10s, 5m or 2h');
    return ms < (parseDuration(range.min) ?? 0) || ms > (parseDuration(range.max) ?? Infinity) ? wrong(`must be from ${range.min} to ${range.max}`) : ms;
  });

/** Bytes out of `2GB`. */
export const byteSize = (spec: FieldSpec, range: TextRange) => {
  const [min, max] = [parseBytes(range.min) ?? 0, parseBytes(range.max) ?? Number.MAX_SAFE_INTEGER];
  const json = { type: ['string', 'integer'], pattern: bytesPattern, minimum: min, maximum: max, description: ranged(spec, range) };
  return field({ form: `${range.min} … ${range.max}`, json, ...spec }, (value): number => {
    const bytes = isScalar(value) ? parseBytes(value) : undefined;
    if (bytes === undefined) return wrong('must be a size such as 512KiB, 256MB or 2GB');
    return bytes < min || bytes > max ? wrong(`must be from ${range.min} to ${range.max}`) : bytes;
  });
};

/** A secret, given as it is, as `${VAR}`, or in the file that the key with `_file` names. */
export const secret = (spec: FieldSpec) => field({ form: 'secret', json: textJson(maxSecret), ...spec, secret: true, file: true }, (value) => new Secret(readText(value, maxSecret)));

/** An address of IPv4 or IPv6, with or without the length of a network behind it. */
export const isNetwork = (value: string): boolean => {
  const [address = '', length, ...more] = value.split('/');
  const version = isIP(address);
  const plain = length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= (version === 4 ? 32 : 128));
  return version !== 0 && plain && more.length === 0 && !address.includes('%');
};

export const networks = (spec: FieldSpec) =>
  listOf(spec, {
    what: 'networks',
    read: (value) => (typeof value === 'string' && isNetwork(value) ? value : wrong('must be an address or a network such as 192.0.2.0/24')),
    json: { type: 'string', pattern: '^[0-9a-fA-F:.]+(/\\d{1,3})?$' },
  });
