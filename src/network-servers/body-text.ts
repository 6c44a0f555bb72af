import { BridgeError, messageOf } from '../errors.js';

/** Objects and lists in one another: far more than any network server sends, far less than overflows the stack when written again. */
export const maxNesting = 64;

/** The text of a body in UTF-8, without a byte order mark. @throws malformed_body */
export const bodyText = (body: Buffer): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw new BridgeError('malformed_body', { detail: 'the body is not UTF-8 text', cause });
  }
};

const isDeeperThan = (levels: number, value: unknown): boolean =>
  typeof value === 'object' && value !== null && (levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner)));

/**
 * The value of a JSON text. The detail says where the fault is, for the person who writes a template or a proxy rule; the
 * parser quotes a few characters at most. @throws malformed_body, also for more than `maxNesting` levels
 */
export const jsonValue = (text: string): unknown => {
  const value = parseJson(text);
  if (isDeeperThan(maxNesting, value)) throw new BridgeError('malformed_body', { detail: `the body is nested deeper than ${maxNesting} levels` });
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
