import { isIP } from 'node:net';
import { field, wrong, type FieldSpec } from './field.js';
import { Secret } from './secret.js';
import { parseBytes, parseDuration } from './units.js';

/** A reader of a text, with further demands behind it. */
export const readText = (value: unknown): string => {
  if (typeof value !== 'string') return wrong(typeof value === 'number' || typeof value === 'boolean' ? 'must be text: put it in quotes' : 'must be text');
  return value.trim() === '' ? wrong('must not be empty') : value;
};

export const text = (spec: FieldSpec) => field(spec, readText);

/** A text of one form, which `form` tells in words. */
export const textLike = (spec: FieldSpec & { readonly form: string }, pattern: RegExp) =>
  field(spec, (value) => {
    const read = readText(value);
    return pattern.test(read) ? read : wrong(`must be ${spec.form}`);
  });

export interface Range {
  readonly min: number;
  readonly max: number;
}

const readInteger = (value: unknown, { min, max }: Range): number => {
  const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value.trim()) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < min || number > max) return wrong(`must be a whole number from ${min} to ${max}`);
  return number;
};

export const integer = (spec: FieldSpec, range: Range) => field({ form: `${range.min} … ${range.max}`, ...spec }, (value) => readInteger(value, range));

const truths: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([[true, true], ['true', true], [false, false], ['false', false]]);

export const boolean = (spec: FieldSpec) => field({ form: 'true or false', ...spec }, (value) => truths.get(value) ?? wrong('must be true or false'));

export const choice = <const T extends string>(spec: FieldSpec, values: readonly T[]) =>
  field({ form: values.join(', '), ...spec }, (value): T => values.find((one) => one === String(value)) ?? wrong(`must be one of ${values.join(', ')}`));

/** Milliseconds out of `10s`. The range is told in the same words. */
export const duration = (spec: FieldSpec, { min, max }: { readonly min: string; readonly max: string }) =>
  field({ form: `${min} … ${max}`, ...spec }, (value): number => {
    const ms = typeof value === 'string' ? parseDuration(value) : undefined;
    if (ms === undefined) return wrong('must be a duration with its unit, such as 500ms, 10s, 5m or 2h');
    return ms < (parseDuration(min) ?? 0) || ms > (parseDuration(max) ?? Infinity) ? wrong(`must be from ${min} to ${max}`) : ms;
  });

/** Bytes out of `2GB`. */
export const byteSize = (spec: FieldSpec, { min, max }: { readonly min: string; readonly max: string }) =>
  field({ form: `${min} … ${max}`, ...spec }, (value): number => {
    const bytes = typeof value === 'string' || typeof value === 'number' ? parseBytes(value) : undefined;
    if (bytes === undefined) return wrong('must be a size such as 512KiB, 256MB or 2GB');
    return bytes < (parseBytes(min) ?? 0) || bytes > (parseBytes(max) ?? Infinity) ? wrong(`must be from ${min} to ${max}`) : bytes;
  });

/** A secret, given as it is, as `${VAR}`, or in the file that the key with `_file` names. */
export const secret = (spec: FieldSpec) => field({ form: 'secret', ...spec, secret: true, file: true }, (value) => new Secret(readText(value)));

/** A URL that may hold credentials, which is why it is never printed. */
export const secretUrl = (spec: FieldSpec, protocols: readonly string[]) =>
  field({ form: 'URL, secret', ...spec, secret: true, file: true }, (value) => {
    const url = readText(value);
    return URL.canParse(url) && protocols.includes(new URL(url).protocol) ? new Secret(url) : wrong(`must be a URL of ${protocols.map((one) => one.slice(0, -1)).join(' or ')}`);
  });

/** An address of IPv4 or IPv6, with or without the length of a network behind it. */
export const isNetwork = (value: string): boolean => {
  const [address = '', length, ...more] = value.split('/');
  const version = isIP(address);
  const plain = length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= (version === 4 ? 32 : 128));
  return version !== 0 && plain && more.length === 0 && !address.includes('%');
};

export const networks = (spec: FieldSpec) =>
  field({ form: 'list of networks', ...spec }, (value): string[] => {
    if (!Array.isArray(value)) return wrong('must be a list of networks');
    return value.map((one: unknown, index) => (typeof one === 'string' && isNetwork(one) ? one : wrong(`entry ${index + 1} must be an address or a network such as 192.0.2.0/24`)));
  });
