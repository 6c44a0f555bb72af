import type { Reason } from '../errors.js';
import type { MessageFields, NetworkServerKind } from '../messages/message.js';

/** A message in the outbox: what is published, where, and until when. */
export interface OutboxRecord {
  /** Position in the outbox: rises with acceptance, never reused. */
  readonly seq: number;
  readonly connectionId: string;
  readonly messageId: string;
  readonly networkServerId: string;
  readonly deviceId: string;
  readonly type: string;
  readonly topic: string;
  readonly payload: Buffer;
  /** Epoch ms. */
  readonly acceptedAt: number;
  /** Epoch ms; 0 = never. */
  readonly expiresAt: number;
}

export type NewRecord = Omit<OutboxRecord, 'seq'>;

/** One message to accept: remembered as seen and appended (or parked) in one transaction. */
export interface Append {
  /** 16 bytes: hash of the idempotency key. */
  readonly dedupKey: Buffer;
  /** Epoch ms of the event by the document's own clock, or 0: buckets the dedup key, must be the same when the message comes again. */
  readonly eventTimeMs: number;
  /** What to keep. Absent: only remember the key (a filtered message). */
  readonly record?: NewRecord;
  /** Set: the message goes straight to the parked messages, with this reason. */
  readonly park?: { readonly reason: Reason; readonly detail: string };
}

/** `stored` also for parked ones. Results stand in the order of the appends; `record` is set where one went to the outbox. */
export type AppendResult = { readonly state: 'stored'; readonly record?: OutboxRecord } | { readonly state: 'duplicate' };

export type Settlement =
  | { readonly outcome: 'delivered' | 'expired'; readonly record: OutboxRecord }
  | { readonly outcome: 'parked'; readonly record: OutboxRecord; readonly reason: Reason; readonly detail: string };

export interface ParkedRecord extends OutboxRecord {
  readonly reason: Reason;
  readonly detail: string;
  readonly parkedAt: number;
}

export interface PendingTotals {
  readonly messages: number;
  readonly bytes: number;
}

/**
 * The durable, ordered list of accepted, unsettled messages, which also remembers what it has seen.
 * The only buffer of the bridge.
 */
export interface Outbox {
  /**
   * Appends in order, all or none, in one transaction with the dedup keys. Resolves when it is on durable storage. Of two
   * appends with one key in the window (also in one batch, also while the first is being written) the second is a duplicate, and
   * is answered only when the first is durable.
   * @throws BridgeError `outbox_full` or `store_unavailable`; then nothing of the batch is kept.
   */
  append(batch: readonly Append[]): Promise<AppendResult[]>;
  /**
   * Unsettled records of a connection after `afterSeq`, in order, up to `limit` records and about `maxBytes`. Committed ones only.
   * @throws BridgeError `store_unavailable` when the store cannot be read at the moment; an empty answer always means that there are none.
   */
  read(connectionId: string, afterSeq: number, limit: number, maxBytes: number): OutboxRecord[];
  /** The records with these positions that are still there, in the order asked. @throws BridgeError `store_unavailable`, as `read`. */
  readSome(connectionId: string, seqs: readonly number[]): OutboxRecord[];
  /** Removes, or moves to the parked messages. Resolves when durable. Settling what is no longer there is no error. */
  settle(batch: readonly Settlement[]): Promise<void>;
  pending(connectionId: string): PendingTotals;
  /** Epoch ms of acceptance of the oldest unsettled message, or undefined. */
  oldestAcceptedAt(connectionId: string): number | undefined;
  /** Why nothing can be accepted now, or undefined; readiness is made of it. Proved by a real write when nothing else wrote lately. */
  unwritable(): Reason | undefined;
  close(): Promise<void>;
}

/** How one publish ended. */
export type PublishOutcome =
  | { readonly kind: 'acknowledged' }
  /** The session closed before the PUBACK; `blame` when the broker may have closed it because of a publish. */
  | { readonly kind: 'lost'; readonly reason: Reason; readonly blame: boolean }
  | { readonly kind: 'timeout' }
  /** PUBACK with an MQTT 5 error code. */
  | { readonly kind: 'refused'; readonly reason: 'publish_forbidden' | 'publish_refused' | 'publish_throttled'; readonly code: number };

export interface PublisherListener {
  /** Called once for every publish. */
  settled(record: OutboxRecord, outcome: PublishOutcome): void;
  /** Called when room may have opened: a PUBACK came, a session opened, pacing allows the next. */
  room(): void;
  /** Called when the endpoint itself cannot be reached: what was lost before was nobody's fault. */
  unreachable(): void;
}

/** Carries records to AWS over the pool's sessions, within AWS's limits. Any session may carry any record. */
export interface Publisher {
  /** Sends one record on a session with room; `settled` follows. False: no session has room now, nothing was sent, `room` follows. */
  publish(record: OutboxRecord): boolean;
  /** The same on a session that has nothing else in flight and takes nothing else until this one is settled. */
  publishAlone(record: OutboxRecord): boolean;
  /** Tells how many records wait beyond the room there is, so that the pool can grow. */
  demand(waiting: number): void;
}

/** One message as a network server's parser gave it. */
export interface Incoming {
  readonly fields: MessageFields;
  readonly idempotencyKey: string;
  readonly eventTimeMs?: number;
  readonly original?: Buffer;
  /** A report about a downlink goes to the connection that the downlink came from, in the normalised form whatever the connection's format. */
  readonly connectionId?: string;
}

/** The network server that posted a document. */
export interface Sender {
  readonly id: string;
  readonly kind: NetworkServerKind;
}

/** What became of one message of a webhook. */
export interface AcceptedMessage {
  readonly id: string;
  /** Where it goes; absent when no flow wants it. */
  readonly connectionId?: string;
  /** It came before, and is not published again. */
  readonly duplicate: boolean;
}

/** What a webhook learns once its messages are durable: they stand in the document's order. */
export interface Receipt {
  readonly messages: readonly AcceptedMessage[];
}

/** A message of the bridge's own making, for one connection. */
export interface OwnMessage {
  readonly connectionId: string;
  readonly networkServer?: Sender;
  readonly fields: MessageFields;
  readonly idempotencyKey: string;
}
