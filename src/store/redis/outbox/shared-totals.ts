import { BridgeError } from '../../../errors.js';

export interface Limits {
  readonly messages: number;
  readonly bytes: number;
}

/** See `outboxParts`: messages, bytes, parked messages, parked bytes, parked ones removed, latest position. */
export type TotalsReply = readonly (string | number)[];

/** What is known of the whole outbox, all replicas together, as of the latest answer of Redis. */
export interface SharedTotals {
  told(reply: TotalsReply): void;
  /** The latest position that was seen. */
  position(): number;
  parked(): { readonly messages: number; readonly bytes: number; readonly dropped: number };
  /** Notes that so much found no room. */
  refused(wanted: Limits): BridgeError;
  /** Notes that something new was taken. */
  taken(): void;
  /** Whether nothing more should be sent: less is free than the latest refusal wanted. */
  isFull(): boolean;
}

const kinds = ['messages', 'bytes'] as const;

/** After a refusal the outbox counts as full until as much as was refused would fit, but no longer than until this share of it is free. */
const largestMargin = 0.1;

const nothing: Limits = { messages: 0, bytes: 0 };

export const createSharedTotals = (limits: Limits, onDropped: () => void): SharedTotals => {
  let used = nothing;
  let parked = nothing;
  let dropped = 0;
  let position = 0;
  let wanted = nothing;

  const passed = (more: Limits): (typeof kinds)[number] | undefined => kinds.find((kind) => used[kind] + more[kind] > limits[kind]);

  return {
    told(reply) {
      const [messages = 0, bytes = 0, parkedMessages = 0, parkedBytes = 0, gone = 0, latest = 0] = reply.map(Number);
      used = { messages, bytes };
      parked = { messages: parkedMessages, bytes: parkedBytes };
      dropped += gone;
      position = Math.max(position, latest);
      if (gone > 0) onDropped();
    },
    position: () => position,
    parked: () => ({ ...parked, dropped }),
    refused({ messages, bytes }) {
      wanted = { messages: Math.min(messages, limits.messages * largestMargin), bytes: Math.min(bytes, limits.bytes * largestMargin) };
      const kind = passed({ messages, bytes }) ?? 'bytes';
      return new BridgeError('outbox_full', { detail: `the backlog reached ${limits[kind]} ${kind}` });
    },
    taken: () => void (wanted = nothing),
    isFull: () => passed({ messages: Math.max(wanted.messages, 1), bytes: Math.max(wanted.bytes, 1) }) !== undefined,
  };
};
