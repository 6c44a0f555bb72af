import { BridgeError } from '../errors.js';
import type { Message } from '../messages/message.js';

/** `unwrapped`: the original document without its root key, as ThingPark X sends it with `sendMetadata`. */
export const payloadFormats = ['normalised', 'original', 'decoded', 'unwrapped'] as const;
export type PayloadFormat = (typeof payloadFormats)[number];

const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** A text or a form may begin with `{` and be no JSON. */
const jsonOf = (original: Buffer): unknown => {
  try {
    return JSON.parse(original.toString());
  } catch {
    return {};
  }
};

/** Takes the one root key (`DevEUI_uplink`) off; a document of another network server has none and stays as it is. */
const unwrap = (original: Buffer): Buffer => {
  if (original[0] !== 0x7b) return original;
  const document = jsonOf(original) as Readonly<Record<string, unknown>>;
  const [entry, ...more] = Object.entries(document);
  return entry === undefined || more.length > 0 || typeof entry[1] !== 'object' || entry[1] === null ? original : bytesOf(entry[1]);
};

/**
 * The bytes to publish for a message. `original`: the network server's document as it came. `decoded`: an uplink's decoded
 * payload alone; other types have none and are published normalised.
 * @throws BridgeError not_decoded
 */
export const shapePayload = (format: PayloadFormat, message: Message, original: Buffer): Buffer => {
  switch (format) {
    case 'original':
      return original;
    case 'unwrapped':
      return unwrap(original);
    case 'normalised':
      return bytesOf(message);
    case 'decoded': {
      if (message.type !== 'uplink') return bytesOf(message);
      if (message.decoded === undefined) throw new BridgeError('not_decoded');
      return bytesOf(message.decoded);
    }
  }
};
