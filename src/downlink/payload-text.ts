import { wrong, type DocumentObject } from './document.js';

/** The longest application payload of any region and data rate, bytes (N in the LoRaWAN Regional Parameters, RP002). */
export const maxPayloadBytes = 242;

export type PayloadEncoding = 'hex' | 'base64';

/** Lower-case hex of a hexadecimal text, two digits a byte; undefined where it is none. */
const fromHex = (text: string): string | undefined => (/^([0-9a-fA-F]{2})*$/.test(text) ? text.toLowerCase() : undefined);

/** Lower-case hex of a base64 text in the standard alphabet, with its padding; undefined where it is none. */
const fromBase64 = (text: string): string | undefined => {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes.toString('hex') : undefined;
};

const expected: Record<PayloadEncoding | 'either', string> = {
  hex: 'must be hexadecimal, two digits a byte',
  base64: 'must be base64 with its padding',
  either: 'must be hexadecimal (two digits a byte), base64 with its padding, or an object',
};

const decode = (text: string, encoding: PayloadEncoding | 'either'): string | undefined => {
  if (encoding === 'hex') return fromHex(text);
  return encoding === 'base64' ? fromBase64(text) : (fromHex(text) ?? fromBase64(text));
};

/**
 * A payload text as lower-case hex. `either`: an even number of hexadecimal digits is hex, anything else base64.
 * @throws BridgeError invalid_field, also for more than `maxPayloadBytes`
 */
export const payloadText = (at: DocumentObject, key: string, encoding: PayloadEncoding | 'either'): string => {
  const text = at.value[key];
  const hex = typeof text === 'string' ? decode(text, encoding) : undefined;
  if (hex === undefined) return wrong(at, key, expected[encoding]);
  return hex.length > maxPayloadBytes * 2 ? wrong(at, key, `must be at most ${maxPayloadBytes} bytes, is ${hex.length / 2}`) : hex;
};
