import { BridgeError } from '../../errors.js';
import type { Connections } from './connections.js';

/** What is appended in one go. */
export interface Wanted {
  /** Records, at most. */
  readonly messages: number;
  /** What they count against the limit of bytes, at most. */
  readonly bytes: number;
}

/** The room for pending records within the limits of their number and their bytes. */
export interface PendingRoom {
  /** Sets room aside until the returned function is called. @throws BridgeError outbox_full */
  reserve(wanted: Wanted): () => void;
  /** Whether nothing more should be sent: less is free than the last refusal wanted. */
  isFull(): boolean;
}

export interface PendingRoomOptions {
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly connections: Pick<Connections, 'used'>;
}

const kinds = ['messages', 'bytes'] as const;

/** After a refusal the outbox counts as full until as much as was refused would fit, but no longer than until this share of it is free. */
const largestMargin = 0.1;

export const createPendingRoom = ({ maxMessages, maxBytes, connections }: PendingRoomOptions): PendingRoom => {
  const limits: Wanted = { messages: maxMessages, bytes: maxBytes };
  const reserved = { messages: 0, bytes: 0 };
  let refused: Wanted = { messages: 0, bytes: 0 };

  const add = (sign: 1 | -1, { messages, bytes }: Wanted): void => {
    reserved.messages += sign * messages;
    reserved.bytes += sign * bytes;
  };

  /** The limit that so much more would pass. */
  const passed = (more: Wanted): (typeof kinds)[number] | undefined => {
    const used = connections.used();
    return kinds.find((kind) => used[kind] + reserved[kind] + more[kind] > limits[kind]);
  };

  return {
    reserve(wanted) {
      // What adds nothing always fits: a duplicate, or a message that only has to be remembered.
      const limit = wanted.messages === 0 ? undefined : passed(wanted);
      if (limit !== undefined) {
        refused = { messages: Math.min(wanted.messages, maxMessages * largestMargin), bytes: Math.min(wanted.bytes, maxBytes * largestMargin) };
        throw new BridgeError('outbox_full', { detail: `the backlog reached ${limits[limit]} ${limit}` });
      }
      if (wanted.messages > 0) refused = { messages: 0, bytes: 0 };
      add(1, wanted);
      return () => { add(-1, wanted); };
    },
    isFull: () => passed({ messages: Math.max(refused.messages, 1), bytes: Math.max(refused.bytes, 1) }) !== undefined,
  };
};
