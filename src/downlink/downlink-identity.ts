import { createHash, randomUUID } from 'node:crypto';
import type { ParsedDownlink } from './downlink-draft.js';

/** How long a correlation id is remembered, ms: the same one within a day is the same downlink. */
const correlationWindowMs = 86_400_000;

/** What makes a redelivered downlink the same one. */
export interface DownlinkIdentity {
  /** 32 hex digits. */
  readonly id: string;
  /** The id that it has if it was stored at the end of the window before. */
  readonly earlierId?: string;
  /** How long to remember the id, ms. */
  readonly windowMs: number;
}

/** One message and whose it is. */
export interface MessageOrigin {
  readonly connectionId: string;
  readonly deviceId: string;
  readonly payload: Buffer;
  /** Epoch ms. */
  readonly receivedAt: number;
  /** How long a downlink without a correlation id is remembered by its text, ms; 0 = not at all. */
  readonly windowMs: number;
}

/** First 16 bytes of SHA-256 in hex; the lengths keep parts from running into one another. */
export const digest = (parts: readonly (string | Buffer)[]): string => {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(`${Buffer.byteLength(part)}\n`).update(part);
  return sum.digest('hex').slice(0, 32);
};

const originOf = ({ connectionId, deviceId }: MessageOrigin): string[] => [connectionId, deviceId];

/**
 * By its text: the whole message and the place in it. The time goes in by windows, because the same command sent again after the
 * window is another downlink and needs another id; the id of the window before tells a redelivery that came over the edge.
 */
const textIdentity = (origin: MessageOrigin, index: number): DownlinkIdentity => {
  const { payload, receivedAt, windowMs } = origin;
  if (windowMs <= 0) return { id: digest([randomUUID()]), windowMs: 0 };
  const idIn = (window: number): string => digest([...originOf(origin), 'text', payload, `${index} ${window}`]);
  const window = Math.floor(receivedAt / windowMs);
  return { id: idIn(window), earlierId: idIn(window - 1), windowMs };
};

/**
 * The identities of the downlinks of one message, in its order. Two of one message never share one: a correlation id that stands
 * twice counts its places, so that the caller may give one id to several.
 */
export const identitiesOf = (origin: MessageOrigin, downlinks: readonly ParsedDownlink[]): readonly DownlinkIdentity[] => {
  const places = new Map<string, number>();
  return downlinks.map((parsed, index) => {
    const correlationId = parsed.kind === 'draft' ? parsed.draft.correlationId : undefined;
    if (correlationId === undefined) return textIdentity(origin, index);
    const place = places.get(correlationId) ?? 0;
    places.set(correlationId, place + 1);
    return { id: digest([...originOf(origin), 'correlation', correlationId, String(place)]), windowMs: correlationWindowMs };
  });
};

/** How long the same bad message makes one `rejected` status, ms, where downlinks without a correlation id are not remembered. */
const shortestRejectionWindowMs = 1_000;

/** Names a rejection: redelivered it is the same, sent again later it is another one. */
export const rejectionId = (origin: MessageOrigin, index: number): string => {
  const window = Math.floor(origin.receivedAt / Math.max(origin.windowMs, shortestRejectionWindowMs));
  return digest([...originOf(origin), 'rejected', origin.payload, `${index} ${window}`]);
};
