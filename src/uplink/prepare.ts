import { hash } from 'node:crypto';
import { BridgeError, type Reason } from '../errors.js';
import type { Match, Target } from '../flows/match.js';
import { shapePayload, type PayloadFormat } from '../flows/shape.js';
import { isoTime } from '../messages/iso-time.js';
import { stampMessage, type Message } from '../messages/message.js';
import { encodeParkedDocument } from './parked-document.js';
import type { Append, AppendRecord, Incoming, NewRecord, Sender } from './ports.js';

/** Largest MQTT payload AWS IoT Core takes, bytes ("Message size", 128 KB, AWS IoT Core quotas); more closes the session. */
export const maxPayloadBytes = 131_072;

/** A message on its way into the outbox. */
export interface Prepared {
  readonly message: Message;
  readonly append: Append;
  /** Why it goes nowhere; set exactly when there is no record. */
  readonly filtered?: Reason;
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

/** First 16 bytes of SHA-256, in hex, over everything that makes this message this message: its id, and in bytes its dedup key. As text the hash takes half the time. */
const idOf = ({ sender, incoming }: Arrival): string =>
  hash('sha256', `${sender?.id ?? ''}\n${incoming.fields.deviceId}\n${incoming.fields.type}\n${incoming.idempotencyKey}`, 'hex').slice(0, 32);

/** A message with its document; what is shaped for one target serves the others of the same format. */
export interface Shapable {
  readonly message: Message;
  readonly original: Buffer;
  readonly shaped: Map<PayloadFormat, Buffer>;
}

const payloadOf = ({ message, original, shaped }: Shapable, format: PayloadFormat): Buffer => {
  const known = shaped.get(format);
  if (known !== undefined) return known;
  const payload = shapePayload(format, message, original);
  shaped.set(format, payload);
  return payload;
};

/** Shapes, renders and checks. @throws BridgeError with the reason for which the message must be parked */
export const publishable = (target: Target, shapable: Shapable): { topic: string; payload: Buffer } => {
  const { message } = shapable;
  const payload = payloadOf(shapable, target.format);
  if (payload.length > maxPayloadBytes) throw new BridgeError('payload_too_large', { detail: `the payload is ${payload.length} bytes, AWS takes ${maxPayloadBytes}` });
  return { topic: target.patterns[message.type].render(message), payload };
};

/** What the outbox gets for one target: ready to be published, or kept whole with the reason, for a person. */
const recordFor = (target: Target, shapable: Shapable, receivedAt: number): AppendRecord => {
  const { message, original } = shapable;
  const withContent = ({ topic, payload }: { readonly topic: string; readonly payload: Buffer }): NewRecord => ({
    connectionId: target.connectionId,
    messageId: message.id,
    networkServerId: message.networkServer?.id ?? '',
    deviceId: message.deviceId,
    type: message.type,
    acceptedAt: receivedAt,
    expiresAt: target.validityMs === 0 ? 0 : receivedAt + target.validityMs,
    topic,
    payload,
  });
  try {
    return { record: withContent(publishable(target, shapable)) };
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    return { record: withContent({ topic: '', payload: encodeParkedDocument(message, original) }), park: { reason: error.reason, detail: error.message } };
  }
};

/** Reports about downlinks have one shape, and are kept until AWS has them. */
const reportTarget = (target: Target): Target => ({ ...target, format: 'normalised', validityMs: 0 });

/** Where messages go: by the flows, or to a connection that is named. */
export interface Routes {
  /** Why nothing can be taken from network servers at the moment: they are told to come again. */
  readonly refusal?: Reason;
  readonly match: Match;
  readonly targetOf: (connectionId: string) => Target | undefined;
}

const route = ({ match, targetOf }: Routes, { connectionId }: Incoming, message: Message): ReturnType<Match> => {
  if (connectionId === undefined) return match(message);
  const named = targetOf(connectionId);
  return named === undefined ? { targets: [], filtered: 'connection_deleted' } : { targets: [reportTarget(named)] };
};

/** Stamps, matches, shapes and renders one message: from what a network server said to what the outbox keeps. */
export const prepare = (routes: Routes, arrival: Arrival): Prepared => {
  const id = idOf(arrival);
  const { sender, incoming, receivedAt } = arrival;
  const stamp = { id, receivedAt: isoTime(receivedAt), ...(sender === undefined ? {} : { networkServer: { id: sender.id, kind: sender.kind } }) };
  const message = stampMessage(stamp, incoming.fields);
  const { targets, filtered } = route(routes, incoming, message);
  const shapable: Shapable = { message, original: incoming.original ?? arrival.body, shaped: new Map() };
  const append: Append = { dedupKey: Buffer.from(id, 'hex'), eventTimeMs: incoming.eventTimeMs ?? 0, records: targets.map((target) => recordFor(target, shapable, receivedAt)) };
  return { message, append, ...(filtered === undefined ? {} : { filtered }) };
};
