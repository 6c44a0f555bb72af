import { BridgeError, messageOf } from '../errors.js';
import { forgetOldest } from '../forget-oldest.js';
import type { Logger } from '../log.js';
import type { NoteEvent } from '../messages/bridge-event.js';
import type { Message } from '../messages/message.js';
import type { UplinkMetrics } from './metrics.js';
import type { Append, AppendRecord, AppendResult, Incoming, NewRecord, Outbox, OutboxRecord, OwnMessage, Receipt, Sender } from './ports.js';
import { prepare, type Prepared, type Routes } from './prepare.js';
import { parkedEvent } from './uplink-events.js';

/** What accepting needs of one connection. */
export interface DeliveryIntake {
  /** Tells that these records are durable, in order. */
  appended(records: readonly OutboxRecord[]): void;
  /** Somebody says that a topic is allowed now. */
  allow(topic: string): void;
  /** Publishes a message that could not be stored, when its device has nothing pending; resolves on the PUBACK. @throws BridgeError */
  publishDirectly(record: NewRecord): Promise<void>;
  /** Tells of each message that was accepted for the connection. */
  accepted?(message: Message): void;
}

export interface AcceptOptions {
  readonly outbox: Outbox;
  /** Asked for each message, because connections and flows change while the bridge runs. */
  readonly routes: () => Routes;
  /** Undefined for a connection that was deleted in between: what it was given waits in the outbox for who clears up. */
  readonly delivery: (connectionId: string) => DeliveryIntake | undefined;
  readonly metrics: UplinkMetrics;
  /** Tells of each accepted message once, wherever it goes, with its time by the network server's clock (epoch ms; 0 where it does not say). */
  readonly seen?: ((message: Message, eventTimeMs: number) => void) | undefined;
  readonly note: NoteEvent;
  readonly logger: Logger;
}

export interface Accept {
  /**
   * Accepts the messages of one document, all or none. Resolves when they are on durable storage or AWS has acknowledged them.
   * @throws BridgeError outbox_full, store_unavailable, no_connection, stopping
   */
  accept(sender: Sender, incoming: readonly Incoming[], body: Buffer): Promise<Receipt>;
  /** Takes a message that the bridge makes itself, under the same promise; the books of the network servers do not count it. @throws as `accept` */
  publish(message: OwnMessage): Promise<void>;
  /** Resolves when everything that was taken by now is stored and handed over. */
  settled(): Promise<void>;
  /** Refuses what comes from now on and waits for what is under way. */
  close(): Promise<void>;
}

interface Submission {
  /** Whose books count it; absent for the bridge's own messages. */
  readonly sender?: Sender;
  readonly prepared: readonly Prepared[];
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: BridgeError) => void;
}

const noBody = Buffer.alloc(0);

/** Keys published without the store, so that their repeats are known until the store remembers again. Bounded: the oldest go first. */
const createDirectKeys = (limit = 10_000): { add(id: string): void; has(id: string): boolean } => {
  const keys = new Set<string>();
  return {
    add(id) {
      keys.add(id);
      forgetOldest(keys, limit);
    },
    has: (id) => keys.has(id),
  };
};

const receiptOf = ({ prepared }: Submission, isDuplicate: (index: number) => boolean): Receipt => ({
  messages: prepared.map(({ message, append }, index) => ({ id: message.id, duplicate: isDuplicate(index), connectionIds: append.records.map(({ record }) => record.connectionId) })),
});

/** In order; loops, because V8 takes a microsecond for each call of `flatMap`. */
const appendsOf = (submissions: readonly Submission[]): Append[] => {
  const appends: Append[] = [];
  for (const { prepared } of submissions) for (const one of prepared) appends.push(one.append);
  return appends;
};

/** Gathers the webhooks of one event-loop turn into one append, and answers each when it is durable. */
export const createAccept = ({ outbox, routes, delivery, metrics, seen, note, logger }: AcceptOptions): Accept => {
  const directKeys = createDirectKeys();
  /** Devices with a message that was refused and may be in the store: until that is known, nothing goes past it. */
  const unsure = new Set<string>();
  let turn: Submission[] = [];
  let closed = false;
  const underWay = new Set<Promise<void>>();

  const countRecord = ({ record, park }: AppendRecord): void => {
    metrics.stored(record.connectionId);
    if (park === undefined) return;
    metrics.parked(record.connectionId, park.reason);
    note(parkedEvent(record, park.reason, park.detail));
    logger.warn({ network_server: record.networkServerId, connection_id: record.connectionId, message_id: record.messageId, reason: park.reason, detail: park.detail }, 'message parked');
  };

  const count = ({ sender }: Submission, { append, filtered, message }: Prepared, state: AppendResult['state']): void => {
    const id = sender?.id;
    if (id !== undefined) {
      if (state === 'duplicate') metrics.duplicate(id);
      else if (filtered !== undefined) metrics.filtered(id, filtered);
      else metrics.accepted(id);
    }
    if (state === 'duplicate') return;
    seen?.(message, append.eventTimeMs);
    for (const record of append.records) {
      countRecord(record);
      delivery(record.record.connectionId)?.accepted?.(message);
    }
  };

  const handOver = (records: readonly OutboxRecord[]): void => {
    const byConnection = new Map<string, OutboxRecord[]>();
    for (const record of records) {
      const list = byConnection.get(record.connectionId);
      if (list === undefined) byConnection.set(record.connectionId, [record]);
      else list.push(record);
    }
    for (const [connectionId, list] of byConnection) delivery(connectionId)?.appended(list);
  };

  const conclude = (submissions: readonly Submission[], results: readonly AppendResult[]): void => {
    const stored: OutboxRecord[] = [];
    let next = 0;
    for (const submission of submissions) {
      const first = next;
      for (const prepared of submission.prepared) {
        const result = results[next++];
        count(submission, prepared, result?.state ?? 'duplicate');
        if (result?.state === 'stored') for (const record of result.records) stored.push(record);
      }
      submission.resolve(receiptOf(submission, (index) => results[first + index]?.state !== 'stored'));
    }
    handOver(stored);
  };

  const publishAll = async ({ append, message, filtered }: Prepared, error: BridgeError): Promise<void> => {
    if (filtered !== undefined) throw error;
    for (const { record, park } of append.records) {
      const intake = park === undefined && !unsure.has(record.deviceId) ? delivery(record.connectionId) : undefined;
      if (intake === undefined) throw error;
      await intake.publishDirectly(record);
    }
    directKeys.add(message.id);
  };

  /** The store cannot be written: what has nothing pending before it goes to AWS at once, the rest is refused. */
  const publishInstead = async (submission: Submission, error: BridgeError): Promise<void> => {
    try {
      for (const prepared of submission.prepared) await publishAll(prepared, error);
      for (const prepared of submission.prepared) count(submission, prepared, 'stored');
      submission.resolve(receiptOf(submission, () => false));
    } catch (failure) {
      if (error.mayBeDone) for (const { message } of submission.prepared) unsure.add(message.deviceId);
      submission.reject(failure instanceof BridgeError ? failure : error);
    }
  };

  const append = async (submissions: readonly Submission[]): Promise<void> => {
    try {
      const results = await outbox.append(appendsOf(submissions));
      if (unsure.size > 0) unsure.clear();
      conclude(submissions, results);
    } catch (cause) {
      const error = cause instanceof BridgeError ? cause : new BridgeError('store_unavailable', { detail: messageOf(cause), cause });
      if (error.reason === 'store_unavailable') await Promise.all(submissions.map((submission) => publishInstead(submission, error)));
      // What one webhook brings may still fit where that of several does not.
      else if (error.reason === 'outbox_full' && submissions.length > 1) await Promise.all(submissions.map((submission) => append([submission])));
      else for (const submission of submissions) submission.reject(error);
    }
  };

  const flush = (): void => {
    if (turn.length === 0) return;
    const submissions = turn;
    turn = [];
    const work = append(submissions).finally(() => underWay.delete(work));
    underWay.add(work);
  };

  const submit = (submission: Submission): void => {
    const { prepared, sender } = submission;
    if (prepared.length === 0 || prepared.every((one) => directKeys.has(one.message.id))) {
      if (sender !== undefined) for (const _ of prepared) metrics.duplicate(sender.id);
      return submission.resolve(receiptOf(submission, () => true));
    }
    // When all that went on in this turn are in, and before the event loop reads anything else.
    if (turn.push(submission) === 1) process.nextTick(flush);
  };

  const settled = async (): Promise<void> => {
    flush();
    await Promise.all(underWay);
  };

  return {
    accept(sender, incoming, body) {
      if (closed) return Promise.reject(new BridgeError('stopping'));
      const present = routes();
      if (present.refusal !== undefined) return Promise.reject(new BridgeError(present.refusal));
      const receivedAt = Date.now();
      const prepared = incoming.map((one) => prepare(present, { sender, incoming: one, body, receivedAt }));
      return new Promise((resolve, reject) => submit({ sender, prepared, resolve, reject }));
    },
    publish({ networkServer, connectionId, fields, idempotencyKey }) {
      if (closed) return Promise.reject(new BridgeError('stopping'));
      const arrival = { incoming: { fields, idempotencyKey, connectionId }, body: noBody, receivedAt: Date.now(), ...(networkServer === undefined ? {} : { sender: networkServer }) };
      return new Promise((resolve, reject) => submit({ prepared: [prepare(routes(), arrival)], resolve: () => resolve(), reject }));
    },
    settled,
    async close() {
      closed = true;
      await settled();
    },
  };
};
