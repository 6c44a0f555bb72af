import { hash } from 'node:crypto';
import { BridgeError } from '../errors.js';
import type { Match, Target } from '../flows/match.js';
import { shapePayload } from '../flows/shape.js';
import { stampMessage, type Message } from '../messages/message.js';
import type { Append, Incoming, NewRecord, Sender } from './ports.js';

/** Largest MQTT payload AWS IoT Core takes, bytes ("Message size", 128 KB, AWS IoT Core quotas); more closes the session. */
export const maxPayloadBytes = 131_072;

/** A message on its way into the outbox. */
export interface Prepared {
  readonly messageId: string;
  readonly append: Append;
  /** Absent when no flow wants the message. */
  readonly connectionId?: string;
}

export interface Arrival {
  /** Absent for what the bridge itself says before a network server is known. */
  readonly sender?: Sender;
  readonly incoming: Incoming;
  /** The whole body: what format `original` publishes unless the parser cut out a part. */
  readonly body: Buffer;
  /** Epoch ms. */
  readonly receivedAt: number;
}

/** First 16 bytes of SHA-256 over everything that makes this message this message: dedup key, and in hex the message id. */
const dedupKeyOf = ({ sender, incoming }: Arrival): Buffer =>
  hash('sha256', `${sender?.id ?? ''}\n${incoming.fields.deviceId}\n${incoming.fields.type}\n${incoming.idempotencyKey}`, 'buffer').subarray(0, 16);

/** Shapes, renders and checks. @throws BridgeError with the reason for which the message must be parked */
const publishable = (target: Target, message: Message, original: Buffer): { topic: string; payload: Buffer } => {
  const payload = shapePayload(target.format, message, original);
  if (payload.length > maxPayloadBytes) throw new BridgeError('payload_too_large', { detail: `the payload is ${payload.length} bytes, AWS takes ${maxPayloadBytes}` });
  return { topic: target.patterns[message.type].render(message), payload };
};

/** What the outbox gets for a message that cannot be published as it is: kept whole, with the reason, for a person. */
const parkable = (error: unknown, record: NewRecord): Pick<Append, 'record' | 'park'> => {
  if (!(error instanceof BridgeError)) throw error;
  return { record, park: { reason: error.reason, detail: error.message } };
};

const recordAppend = (target: Target, message: Message, arrival: Arrival): Pick<Append, 'record' | 'park'> => {
  const original = arrival.incoming.original ?? arrival.body;
  const common = {
    connectionId: target.connectionId,
    messageId: message.id,
    networkServerId: arrival.sender?.id ?? '',
    deviceId: message.deviceId,
    type: message.type,
    acceptedAt: arrival.receivedAt,
    expiresAt: target.validityMs === 0 ? 0 : arrival.receivedAt + target.validityMs,
  };
  try {
    return { record: { ...common, ...publishable(target, message, original) } };
  } catch (error) {
    return parkable(error, { ...common, topic: '', payload: original });
  }
};

/** Reports about downlinks have one shape, and are kept until AWS has them. */
const reportTarget = (target: Target | undefined): Target | undefined => (target === undefined ? undefined : { ...target, format: 'normalised', validityMs: 0 });

/** Where messages go: by the flows, or to a connection that is named. */
export interface Routes {
  readonly match: Match;
  readonly targetOf: (connectionId: string) => Target | undefined;
}

/** Stamps, matches, shapes and renders one message: from what a network server said to what the outbox keeps. */
export const prepare = ({ match, targetOf }: Routes, arrival: Arrival): Prepared => {
  const dedupKey = dedupKeyOf(arrival);
  const { sender, incoming } = arrival;
  const stamp = { id: dedupKey.toString('hex'), receivedAt: new Date(arrival.receivedAt).toISOString(), ...(sender === undefined ? {} : { networkServer: { id: sender.id, kind: sender.kind } }) };
  const message = stampMessage(stamp, incoming.fields);
  const target = incoming.connectionId === undefined ? match(message) : reportTarget(targetOf(incoming.connectionId));
  const seen = { dedupKey, eventTimeMs: incoming.eventTimeMs ?? 0 };
  if (target === undefined) return { messageId: message.id, append: seen };
  return { messageId: message.id, connectionId: target.connectionId, append: { ...seen, ...recordAppend(target, message, arrival) } };
};
