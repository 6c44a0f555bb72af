import { BridgeError, fieldError, messageOf } from '../errors.js';

/** An object of the caller's document and where it stands, such as `downlinks[1]`; `` at the root. */
export interface DocumentObject {
  readonly path: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Largest message AWS IoT Core carries, bytes ("Message size", 128 KB, AWS IoT Core quotas). */
const maxDocumentBytes = 131_072;
/** Objects and lists in one another: far more than any caller needs, far less than overflows the stack when written again. */
const maxNesting = 64;

const malformed = (detail: string): BridgeError => new BridgeError('malformed_body', { detail });

const textOf = (body: Buffer): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw malformed('the message is not UTF-8 text');
  }
};

/** The parser's own words quote the message, which may hold an AS_KEY: only the place is told. */
const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const [place = ''] = / at position \d+/.exec(messageOf(error)) ?? [];
    throw malformed(`the message is not valid JSON${place}`);
  }
};

const nestsDeeper = (levels: number, value: unknown): boolean =>
  typeof value === 'object' && value !== null && (levels === 0 || Object.values(value).some((inner) => nestsDeeper(levels - 1, inner)));

export const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The root object of a message. @throws malformed_body; invalid_field `body` for JSON that is no object */
export const readDocument = (body: Buffer): DocumentObject => {
  if (body.length > maxDocumentBytes) throw malformed(`the message is over ${maxDocumentBytes} bytes`);
  const value = jsonOf(textOf(body));
  if (!isObject(value)) throw fieldError('body', 'must be a JSON object');
  if (nestsDeeper(maxNesting, value)) throw malformed(`the message is nested deeper than ${maxNesting} levels`);
  return { path: '', value };
};

export const pathOf = ({ path }: DocumentObject, key: string): string => (path === '' ? key : `${path}.${key}`);

/** @throws BridgeError invalid_field, naming the key with its path */
export const wrong = (at: DocumentObject, key: string, detail: string): never => {
  throw fieldError(pathOf(at, key), detail);
};

/** Whether the caller left the key out. An empty text is one too, except for payloads. */
const isAbsent = (value: unknown): value is undefined | null | '' => value === undefined || value === null || value === '';

/** Whether the key has a value, be it an empty text. */
export const has = (at: DocumentObject, key: string): boolean => at.value[key] !== undefined && at.value[key] !== null;

export const objectAt = (at: DocumentObject, key: string): DocumentObject | undefined => {
  const value = at.value[key];
  if (isAbsent(value)) return undefined;
  return isObject(value) ? { path: pathOf(at, key), value } : wrong(at, key, 'must be an object');
};

/** A number counts as the text of it, because ids made of digits are often written so. */
export const textAt = (at: DocumentObject, key: string): string | undefined => {
  const value = at.value[key];
  if (isAbsent(value)) return undefined;
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : wrong(at, key, 'must be text');
};

/** A whole number, also as text: ThingPark's samples write numbers so. */
export const integerAt = (at: DocumentObject, key: string, { min, max }: { readonly min: number; readonly max: number }): number | undefined => {
  const value = at.value[key];
  if (isAbsent(value)) return undefined;
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  const fits = typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max;
  return fits ? number : wrong(at, key, `must be a whole number from ${min} to ${max}`);
};

const truths: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [true, true], [1, true], ['1', true], ['true', true], [false, false], [0, false], ['0', false], ['false', false],
]);

/** True or false, also as 0 and 1, and as text. */
export const flagAt = (at: DocumentObject, key: string): boolean | undefined => {
  const value = at.value[key];
  if (isAbsent(value)) return undefined;
  return truths.get(typeof value === 'string' ? value.toLowerCase() : value) ?? wrong(at, key, 'must be true or false');
};

const timestamp = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:?\d{2})?$/;

/** Epoch ms of an ISO 8601 date and time, read as UTC when it names no zone; undefined where it is none. */
export const instantOf = (text: string): number | undefined => {
  const match = timestamp.exec(text);
  const ms = match === null ? Number.NaN : Date.parse(match[3] === undefined ? `${text}Z` : text);
  return Number.isNaN(ms) ? undefined : ms;
};
