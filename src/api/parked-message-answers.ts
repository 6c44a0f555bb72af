import type { ParkedRecord } from '../uplink/ports.js';
import { isoTime } from './answers.js';
import { given } from '../given.js';
import { integer, messageType, object, reason, text, time, type Schema } from './schemas.js';

const optionalKeys = ['expiresAt', 'payloadText'];

/** A parked message in an answer. */
export const parkedSchema: Schema = object(
  {
    id: text('Its position in the outbox.', { pattern: '^[0-9]+$' }),
    messageId: text('Id of the message, the same in logs and in what was published.'),
    connection: text('Connection that it was meant for.'),
    networkServer: text('Network server that sent it.'),
    device: text('Device id.'),
    type: messageType,
    topic: text('Topic that it was published on; empty where it never had one.'),
    reason,
    detail: text('Why it was given up, in words.'),
    acceptedAt: time('When the bridge took it.'),
    parkedAt: time('When it was given up.'),
    expiresAt: time('End of its validity time, where it had one.'),
    payload: text('What was to be published, base64.', { contentEncoding: 'base64' }),
    payloadText: text('The same as text, where it is text.'),
    size: integer('Length of the payload, bytes.'),
  },
  optionalKeys,
);

/** Text is UTF-8 without control characters but tab and line ends. */
const asText = (payload: Buffer): string | undefined => {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload);
    return /[^\P{Cc}\t\r\n]/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
};

export const parkedJson = (parked: ParkedRecord) => ({
  id: String(parked.seq),
  messageId: parked.messageId,
  connection: parked.connectionId,
  networkServer: parked.networkServerId,
  device: parked.deviceId,
  type: parked.type,
  topic: parked.topic,
  reason: parked.reason,
  detail: parked.detail,
  acceptedAt: isoTime(parked.acceptedAt),
  parkedAt: isoTime(parked.parkedAt),
  ...given({ expiresAt: parked.expiresAt === 0 ? undefined : isoTime(parked.expiresAt) }),
  payload: parked.payload.toString('base64'),
  ...given({ payloadText: asText(parked.payload) }),
  size: parked.payload.length,
});
