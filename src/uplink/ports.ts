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
  /** What to keep, one record for each connection. Empty: only remember the key (a filtered message). */
  readonly records: readonly AppendRecord[];
}

/** One copy of a message, for one connection. */
export interface AppendRecord {
  readonly record: NewRecord;
  /** Set: it goes straight to the parked messages, with this reason. */
  readonly park?: { readonly reason: Reason; readonly detail: string };
}

/** Results stand in the order of the appends; `records` holds what went to the outbox, in order, without what was parked. */
export type AppendResult = { readonly state: 'stored'; readonly records: readonly OutboxRecord[] } | { readonly state: 'duplicate' };

export type Settlement =
  | { readonly outcome: 'delivered' | 'expired'; readonly record: OutboxRecord }
  | { readonly outcome: 'parked'; readonly record: OutboxRecord; readonly reason: Reason; readonly detail: string };

export interface ParkedRecord extends OutboxRecord {
  readonly reason: Reason;
  readonly detail: string;
  readonly parkedAt: number;
}

/** Which parked messages are meant; a key that is absent means any. */
export interface ParkedFilter {
  readonly connectionId?: string;
  readonly networkServerId?: string;
  readonly deviceId?: string;
  readonly reason?: Reason;
}

/** A parked message that goes back into the outbox: what is appended in place of it. */
export interface Replay {
  readonly parked: ParkedRecord;
  readonly record: NewRecord;
}

/** The messages that were given up with a reason, for a person to see to. */
export interface ParkedMessages {
  /** In the order of their positions, after position `after` (-1: from the first), at most `limit`. @throws BridgeError store_unavailable */
  parked(filter: ParkedFilter, page: { readonly after: number; readonly limit: number }): Promise<ParkedRecord[]>;
  /** The ones at these positions that are still there. @throws BridgeError store_unavailable */
  parkedAt(seqs: readonly number[]): Promise<ParkedRecord[]>;
  /**
   * Appends the records and removes the parked messages in one transaction, whether or not the message was seen before. Resolves when durable, with what was
   * appended: a message that is no longer parked is left out.
   * @throws BridgeError outbox_full, store_unavailable, stopping; then nothing changed
   */
  replay(batch: readonly Replay[]): Promise<OutboxRecord[]>;
  /** Removes for good. Resolves when durable, with how many were there. */
  discard(seqs: readonly number[]): Promise<number>;
}

/** What is known of the thing of a device in one AWS account. */
export interface ThingRecord {
  readonly connectionId: string;
  readonly deviceId: string;
  readonly thingName: string;
  /**
   * `pending`: to be looked up or made. `ready`: it exists and is attached to the certificate. `missing`: it does not exist and must not be made.
   * `foreign`: it exists and belongs to another system. `failed`: AWS refused, see `reason`.
   */
  readonly state: 'pending' | 'ready' | 'missing' | 'foreign' | 'failed';
  readonly reason?: Reason;
  readonly detail?: string;
  /** Epoch ms of the last change of state. */
  readonly since: number;
  /** Rendered from the message; what a new thing gets. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Names the account, certificate and naming that the record holds for: under other ones it says nothing. */
  readonly scope?: string;
}

/** Remembers things over restarts. */
export interface ThingMemory {
  /** @throws BridgeError store_unavailable, redis_unavailable */
  find(connectionId: string, deviceId: string): Promise<ThingRecord | undefined>;
  /** Written soon; never throws. */
  put(record: ThingRecord): void;
  /** The things of a device in all accounts. @throws as `find` */
  of(deviceId: string): Promise<readonly ThingRecord[]>;
  /** Forgets every thing of a connection, whose account or certificate changed. Resolves when none is found any more. */
  forget(connectionId: string): Promise<void>;
}

/** Whether a device's messages may be published: `wait` ends with a call of `released`, `park` means that AWS must not get them. */
export type Admission = { readonly kind: 'go' } | { readonly kind: 'wait' } | { readonly kind: 'park'; readonly reason: Reason; readonly detail: string };

/** What delivery needs of the registration of a connection's devices. */
export interface DeviceGate {
  /** Asked for each message before it is published, so it answers from memory. */
  admit(deviceId: string): Admission;
  /** Sets who is told that a device which had to wait need not any more. */
  onReleased(listener: (deviceId: string) => void): void;
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
   * @throws BridgeError `outbox_full` or `store_unavailable`; then nothing of the batch is kept, but for an error with `mayBeDone`: then it is known when the next
   * append succeeds, and told to the `SharedOutboxListener` before.
   */
  append(batch: readonly Append[]): Promise<AppendResult[]>;
  /**
   * Unsettled records of a connection after `afterSeq`, in order, up to `limit` records and about `maxBytes`. Committed ones only.
   * @throws BridgeError `store_unavailable` when the store cannot be read at the moment; an empty answer always means that there are none.
   */
  read(connectionId: string, afterSeq: number, limit: number, maxBytes: number): Promise<OutboxRecord[]>;
  /** The records with these positions that are still there, in the order asked. @throws BridgeError `store_unavailable`, as `read`. */
  readSome(connectionId: string, seqs: readonly number[]): Promise<OutboxRecord[]>;
  /** Removes, or moves to the parked messages. Resolves when durable. Settling what is no longer there is no error. */
  settle(batch: readonly Settlement[]): Promise<void>;
  pending(connectionId: string): PendingTotals;
  /** Epoch ms of acceptance of the oldest unsettled message, or undefined. */
  oldestAcceptedAt(connectionId: string): number | undefined;
  /** Why nothing can be accepted now, or undefined; readiness is made of it. Proved by a real write when nothing else wrote lately. */
  unwritable(): Reason | undefined;
  close(): Promise<void>;
}

/**
 * An outbox that replicas share. Each replica's messages wait under its slot; those of a device that has some under another slot
 * go behind them, so that the order of each device holds over all replicas. What changes without this process is told here.
 */
export interface SharedOutboxListener {
  /** So many messages of the connection are in the outbox that this process has not appended: found at a start, taken over, or brought by another replica. */
  found(connectionId: string, messages: number): void;
  /** So many that this process had counted as its own wait elsewhere now: under another slot, or with the replica that took the slot over. */
  moved(connectionId: string, messages: number): void;
  /** The outbox of the connection may hold what was not told by an answer. */
  more(connectionId: string): void;
  /**
   * What stands there is not what was known, at positions that were read already: after a failover Redis has lost its latest changes. All has to be read anew.
   * @param lost Also what was appended is lost, so that the outcome of what is under way says nothing about what stands there now.
   */
  rewound(connectionId: string, lost: boolean): void;
}

/** Whether a session closed because of a publish: `likely` when the broker's DISCONNECT says so, `possible` when it closed without a word, as networks do too. */
export type CloseBlame = 'none' | 'possible' | 'likely';

/** How one publish ended. */
export type PublishOutcome =
  | { readonly kind: 'acknowledged' }
  /** The session closed before the PUBACK. */
  | { readonly kind: 'lost'; readonly reason: Reason; readonly blame: CloseBlame }
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
  /** Where it goes; empty when no flow wants it. */
  readonly connectionIds: readonly string[];
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
