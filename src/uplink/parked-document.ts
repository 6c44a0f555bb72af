import type { Message } from '../messages/message.js';

/**
 * What is kept of a message that could not be published as it is: the message as the bridge read it, so that it can be shaped and
 * rendered again once its topic pattern is mended, and the network server's own document.
 */
export interface ParkedDocument {
  readonly message: Message;
  /** The network server's document; as base64 where it is no text. */
  readonly original: string;
  readonly encoding: 'utf8' | 'base64';
}

export const encodeParkedDocument = (message: Message, original: Buffer): Buffer => {
  const text = original.toString('utf8');
  const encoding = Buffer.from(text, 'utf8').equals(original) ? 'utf8' : 'base64';
  return Buffer.from(JSON.stringify({ message, original: encoding === 'utf8' ? text : original.toString('base64'), encoding } satisfies ParkedDocument));
};

export const decodeParkedDocument = (payload: Buffer): ParkedDocument => JSON.parse(payload.toString('utf8')) as ParkedDocument;
