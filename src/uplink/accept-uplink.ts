import { BridgeError, messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { UplinkMetrics } from './metrics.js';
import type { AppendResult, Incoming, Outbox, OutboxRecord, OwnMessage, Receipt, Sender } from './ports.js';
import { prepare, type Prepared, type Routes } from './prepare.js';

/** What accepting needs of the delivery of one connection. */
export interface DeliveryIntake {
  /** Tells that these records are durable, in order. */
  appended(records: readonly OutboxRecord[]): void;
  /** Publishes a message that could not be stored, when its device has nothing pending; resolves on the PUBACK. @throws BridgeError */
  publishDirectly(prepared: Prepared): Promise<void>;
}

export interface AcceptOptions {
  readonly outbox: Outbox;
  readonly routes: Routes;
  readonly delivery: (connectionId: string) => DeliveryIntake;
  readonly metrics: UplinkMetrics;
  readonly logger: Logger;
}

export interface Accept {
  /**
   * Accepts the messages of one document, all or none. Resolves when they are on durable storage or AWS has acknowledged them.
   * @throws BridgeError outbox_full, store_unavailable, stopping
   */
  accept(sender: Sender, incoming: readonly Incoming[], body: Buffer): Promise<Receipt>;
  /** Takes a message that the bridge makes itself, under the same promise; the books of the network servers do not count it. @throws as `accept` */
  publish(message: OwnMessage): Promise<void>;
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
      if (keys.size > limit) keys.delete(keys.values().next().value ?? '');
    },
    has: (id) => keys.has(id),
  };
};

const receiptOf = ({ prepared }: Submission, isDuplicate: (index: number) => boolean): Receipt => ({
  messages: prepared.map(({ messageId, connectionId }, index) => ({ id: messageId, duplicate: isDuplicate(index), ...(connectionId === undefined ? {} : { connectionId }) })),
});

/** Gathers the webhooks of one event-loop turn into one append, and answers each when it is durable. */
export const createAccept = ({ outbox, routes, delivery, metrics, logger }: AcceptOptions): Accept => {
  const directKeys = createDirectKeys();
  let turn: Submission[] = [];
  let closed = false;
  const underWay = new Set<Promise<void>>();

  const count = (submission: Submission, prepared: Prepared, result: AppendResult): void => {
    const id = submission.sender?.id;
    if (result.state === 'duplicate') return id === undefined ? undefined : metrics.duplicate(id);
    if (prepared.connectionId === undefined) return id === undefined ? undefined : metrics.filtered(id);
    if (id !== undefined) metrics.accepted(id);
    metrics.stored(prepared.connectionId);
    const { park } = prepared.append;
    if (park === undefined) return;
    metrics.parked(prepared.connectionId, park.reason);
    logger.warn({ network_server: prepared.append.record?.networkServerId, connection_id: prepared.connectionId, message_id: prepared.messageId, reason: park.reason, detail: park.detail }, 'message parked');
  };

  const handOver = (records: readonly OutboxRecord[]): void => {
    const byConnection = new Map<string, OutboxRecord[]>();
    for (const record of records) {
      const list = byConnection.get(record.connectionId);
      if (list === undefined) byConnection.set(record.connectionId, [record]);
      else list.push(record);
    }
    for (const [connectionId, list] of byConnection) delivery(connectionId).appended(list);
  };

  const conclude = (submissions: readonly Submission[], results: readonly AppendResult[]): void => {
    let index = 0;
    handOver(results.flatMap((result) => (result.state === 'stored' && result.record !== undefined ? [result.record] : [])));
    for (const submission of submissions) {
      const own = submission.prepared.map((prepared) => {
        const result = results[index++] ?? { state: 'duplicate' };
        count(submission, prepared, result);
        return result.state === 'duplicate';
      });
      submission.resolve(receiptOf(submission, (position) => own[position] ?? true));
    }
  };

  /** The store cannot be written: what has nothing pending before it goes to AWS at once, the rest is refused. */
  const publishInstead = async (submission: Submission, error: BridgeError): Promise<void> => {
    try {
      for (const prepared of submission.prepared) {
        const { connectionId, append } = prepared;
        if (connectionId === undefined || append.park !== undefined) throw error;
        await delivery(connectionId).publishDirectly(prepared);
        directKeys.add(prepared.messageId);
      }
      for (const prepared of submission.prepared) count(submission, prepared, { state: 'stored' });
      submission.resolve(receiptOf(submission, () => false));
    } catch (failure) {
      submission.reject(failure instanceof BridgeError ? failure : error);
    }
  };

  const append = async (submissions: readonly Submission[]): Promise<void> => {
    try {
      conclude(submissions, await outbox.append(submissions.flatMap((submission) => submission.prepared.map((one) => one.append))));
    } catch (cause) {
      const error = cause instanceof BridgeError ? cause : new BridgeError('store_unavailable', { detail: messageOf(cause), cause });
      if (error.reason === 'store_unavailable') await Promise.all(submissions.map((submission) => publishInstead(submission, error)));
      else for (const submission of submissions) submission.reject(error);
    }
  };

  const flush = (): void => {
    const submissions = turn;
    turn = [];
    const work = append(submissions).finally(() => underWay.delete(work));
    underWay.add(work);
  };

  const submit = (submission: Submission): void => {
    const { prepared, sender } = submission;
    if (prepared.length === 0 || prepared.every((one) => directKeys.has(one.messageId))) {
      if (sender !== undefined) for (const _ of prepared) metrics.duplicate(sender.id);
      return submission.resolve(receiptOf(submission, () => true));
    }
    if (turn.push(submission) === 1) setImmediate(flush);
  };

  return {
    accept(sender, incoming, body) {
      if (closed) return Promise.reject(new BridgeError('stopping'));
      const receivedAt = Date.now();
      const prepared = incoming.map((one) => prepare(routes, { sender, incoming: one, body, receivedAt }));
      return new Promise((resolve, reject) => submit({ sender, prepared, resolve, reject }));
    },
    publish({ networkServer, connectionId, fields, idempotencyKey }) {
      if (closed) return Promise.reject(new BridgeError('stopping'));
      const arrival = { incoming: { fields, idempotencyKey, connectionId }, body: noBody, receivedAt: Date.now(), ...(networkServer === undefined ? {} : { sender: networkServer }) };
      return new Promise((resolve, reject) => submit({ prepared: [prepare(routes, arrival)], resolve: () => resolve(), reject }));
    },
    async close() {
      closed = true;
      if (turn.length > 0) flush();
      await Promise.all(underWay);
    },
  };
};
