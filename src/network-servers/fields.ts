import { fieldError } from '../errors.js';
import { isoTime } from '../messages/iso-time.js';
import { missing, set } from './entries.js';

/**
 * Reads typed values out of a document that a stranger sent. A missing value (absent, null, empty text) is undefined; a wrong
 * one throws `invalid_field` with its path. Numbers and booleans may come as text: several network servers send all scalars so.
 */
export interface Fields {
  /** Where this object stands in the document, such as `uplink_message.settings`; `` at the root. */
  readonly path: string;
  readonly value: Readonly<Record<string, unknown>>;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A key of the sender's own is told up to here: the path goes into the answer, the log and an event. */
const longestKey = 64;

export const pathOf = ({ path }: Fields, key: string): string => {
  const name = key.length > longestKey ? `${key.slice(0, longestKey)}…` : key;
  return path === '' ? name : `${path}.${name}`;
};

/** Wraps the root of a document. */
export const rootFields = (value: unknown, path = ''): Fields => {
  if (!isObject(value)) throw fieldError(path === '' ? 'body' : path, 'must be an object');
  return { path, value };
};

/** Demands a value that one of the readers below gave. */
export const required = <T>(value: T | undefined, fields: Fields, key: string): T => {
  if (value === undefined) throw fieldError(pathOf(fields, key), 'is required');
  return value;
};

export const objectField = (fields: Fields, key: string): Fields | undefined => {
  const value = fields.value[key];
  if (missing(value)) return undefined;
  if (!isObject(value)) throw fieldError(pathOf(fields, key), 'must be an object');
  return { path: pathOf(fields, key), value };
};

/** A list of objects; one object alone counts as a list of one (XML turned into JSON). */
export const objectList = (fields: Fields, key: string): Fields[] => {
  const value = fields.value[key];
  if (missing(value)) return [];
  const entries: unknown[] = Array.isArray(value) ? value : [value];
  return entries.map((entry, index) => {
    const path = `${pathOf(fields, key)}[${index}]`;
    if (!isObject(entry)) throw fieldError(path, 'must be an object');
    return { path, value: entry };
  });
};

export const textField = (fields: Fields, key: string): string | undefined => {
  const value = fields.value[key];
  if (missing(value)) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw fieldError(pathOf(fields, key), 'must be text');
};

export const textList = (fields: Fields, key: string): string[] => {
  const value = fields.value[key];
  if (missing(value)) return [];
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string')) throw fieldError(pathOf(fields, key), 'must be a list of texts');
  return value;
};

/** An object whose values are all texts, such as tags; numbers and booleans become text. An empty one is undefined. */
export const textMap = (fields: Fields, key: string): Record<string, string> | undefined => {
  const map = objectField(fields, key);
  if (map === undefined) return undefined;
  const { value } = map;
  let texts: Record<string, string> | undefined;
  for (const name in value) set((texts ??= {}), name, textField(map, name) ?? '');
  return texts;
};

export const numberField = (fields: Fields, key: string): number | undefined => {
  const value = fields.value[key];
  if (missing(value)) return undefined;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) throw fieldError(pathOf(fields, key), 'must be a number');
  return number;
};

export const integerField = (fields: Fields, key: string, min: number, max: number): number | undefined => {
  const number = numberField(fields, key);
  if (number === undefined) return undefined;
  if (!Number.isInteger(number) || number < min || number > max) throw fieldError(pathOf(fields, key), `must be a whole number from ${min} to ${max}`);
  return number;
};

const truths: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [true, true], ['true', true], [1, true], ['1', true], [false, false], ['false', false], [0, false], ['0', false],
]);

export const booleanField = (fields: Fields, key: string): boolean | undefined => {
  const value = fields.value[key];
  if (missing(value)) return undefined;
  const truth = truths.get(typeof value === 'string' ? value.toLowerCase() : value);
  if (truth === undefined) throw fieldError(pathOf(fields, key), 'must be true or false');
  return truth;
};

/** Hex text in lower case; `bytes` demands an exact length, `maxBytes` a greatest one. An empty text is undefined. */
export const hexField = (fields: Fields, key: string, size: { readonly bytes?: number; readonly maxBytes?: number } = {}): string | undefined => {
  const text = textField(fields, key);
  if (text === undefined) return undefined;
  const digits = text.length;
  if (!/^[0-9a-fA-F]*$/.test(text) || digits % 2 !== 0) throw fieldError(pathOf(fields, key), 'must be hexadecimal, two digits a byte');
  if (size.bytes !== undefined && digits !== size.bytes * 2) throw fieldError(pathOf(fields, key), `must be ${size.bytes * 2} hexadecimal digits`);
  if (size.maxBytes !== undefined && digits > size.maxBytes * 2) throw fieldError(pathOf(fields, key), `must be at most ${size.maxBytes} bytes`);
  return text.toLowerCase();
};

const base64Alphabet = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** Characters of a base64 text without its padding. */
const unpaddedLength = (text: string): number => {
  let length = text.length;
  while (text[length - 1] === '=') length -= 1;
  return length;
};

/** Takes what the air carries (at most 242 bytes, LoRaWAN Regional Parameters), so that no buffer is made for each frame. */
const scratch = Buffer.alloc(256);

const hexOfBase64 = (text: string): string =>
  text.length > scratch.length ? Buffer.from(text, 'base64').toString('hex') : scratch.toString('hex', 0, scratch.write(text, 'base64'));

/** Base64 (either alphabet, padded or not) turned into lower-case hex. */
export const base64Field = (fields: Fields, key: string, size: { readonly bytes?: number } = {}): string | undefined => {
  const text = textField(fields, key);
  if (text === undefined) return undefined;
  if (!base64Alphabet.test(text) || unpaddedLength(text) % 4 === 1) throw fieldError(pathOf(fields, key), 'must be base64');
  const hex = hexOfBase64(text);
  if (size.bytes !== undefined && hex.length !== size.bytes * 2) throw fieldError(pathOf(fields, key), `must be ${size.bytes} bytes in base64`);
  return hex;
};

export interface Instant {
  /** RFC 3339 in UTC with milliseconds. */
  readonly iso: string;
  readonly ms: number;
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:?\d{2})?$/;

/** A reading of texts of which the next one is often the same. */
export const rememberingLast = <T>(read: (text: string) => T): ((text: string) => T) => {
  let last = '';
  let result = read(last);
  return (text) => {
    if (text === last) return result;
    result = read(text);
    last = text;
    return result;
  };
};

/** The time of an event and that of its gateway are often the same text. */
const instantOfText = rememberingLast((text): Instant | undefined => {
  const match = rfc3339.exec(text);
  const ms = match === null ? Number.NaN : Date.parse(match[2] === undefined ? `${text}Z` : text);
  return Number.isNaN(ms) ? undefined : instantOf(ms);
});

/** The instant of an epoch time in milliseconds. */
export const instantOf = (ms: number): Instant => ({ iso: isoTime(ms), ms });

/** An ISO 8601 timestamp with date and time; without a zone it is read as UTC. */
export const timeField = (fields: Fields, key: string): Instant | undefined => {
  const text = textField(fields, key);
  if (text === undefined) return undefined;
  const instant = instantOfText(text);
  if (instant === undefined) throw fieldError(pathOf(fields, key), 'must be an ISO 8601 timestamp');
  return instant;
};
