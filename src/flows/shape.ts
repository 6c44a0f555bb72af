import { BridgeError } from '../errors.js';
import type { Message } from '../messages/message.js';

export const payloadFormats = ['normalised', 'original', 'decoded'] as const;
export type PayloadFormat = (typeof payloadFormats)[number];

/**
 * The bytes to publish for a message. `original`: the network server's document as it came. `decoded`: an uplink's decoded
 * payload alone; other types have none and are published normalised.
 * @throws BridgeError not_decoded
 */
export const shapePayload = (format: PayloadFormat, message: Message, original: Buffer): Buffer => {
  switch (format) {
    case 'original':
      return original;
    case 'normalised':
      return Buffer.from(JSON.stringify(message));
    case 'decoded': {
      if (message.type !== 'uplink') return Buffer.from(JSON.stringify(message));
      if (message.decoded === undefined) throw new BridgeError('not_decoded');
      return Buffer.from(JSON.stringify(message.decoded));
    }
  }
};
