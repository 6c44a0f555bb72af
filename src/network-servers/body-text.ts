import { isAscii, isUtf8 } from 'node:buffer';
import { BridgeError, messageOf } from '../errors.js';

/** Objects and lists in one another: far more than any network server sends, far less than overflows the stack when written again. */
export const maxNesting = 64;

const byteOrderMark = '\uFEFF';

/** The text of a body in UTF-8, without a byte order mark. @throws malformed_body */
export const bodyText = (body: Buffer): string => {
  if (isAscii(body)) return body.toString('latin1');
  if (!isUtf8(body)) throw new BridgeError('malformed_body', { detail: 'the body is not UTF-8 text' });
  const text = body.toString('utf8');
  return text.startsWith(byteOrderMark) ? text.slice(1) : text;
};

/** Whether a text has more brackets that open something than this, those in its strings counted too. */
const opensMoreThan = (count: number, text: string): boolean => {
  let left = count;
  for (const bracket of ['{', '[']) for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) if (--left < 0) return true;
  return false;
};

const isDeeperThan = (levels: number, value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  const inner = value as Readonly<Record<string, unknown>>;
  for (const key in inner) if (isDeeperThan(levels - 1, inner[key])) return true;
  return false;
};

/**
 * The value of a JSON text. The detail says where the fault is, for the person who writes a template or a proxy rule; the
 * parser quotes a few characters at most. @throws malformed_body, also for more than `maxNesting` levels
 */
export const jsonValue = (text: string): unknown => {
  const value = parseJson(text);
  // Few brackets cannot be deep, and to count them is quicker than to look at every value.
  if (opensMoreThan(maxNesting, text) && isDeeperThan(maxNesting, value)) throw new BridgeError('malformed_body', { detail: `the body is nested deeper than ${maxNesting} levels` });
  return value;
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new BridgeError('malformed_body', { detail: `the body is not valid JSON: ${messageOf(cause)}`, cause });
  }
};

/** What a text holds that is JSON inside another format; any other value, text that is no JSON or nested too deep, comes back as it is. */
export const embeddedJson = (value: unknown): unknown => {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return jsonValue(value);
  } catch {
    return value;
  }
};
