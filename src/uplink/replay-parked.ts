import { BridgeError, type Reason } from '../errors.js';
import type { Target } from '../flows/match.js';
import type { DeliveryIntake } from './accept-uplink.js';
import type { UplinkMetrics } from './metrics.js';
import { decodeParkedDocument } from './parked-document.js';
import type { OutboxRecord, ParkedMessages, ParkedRecord, Replay } from './ports.js';
import { publishable } from './prepare.js';

export interface ReplayOptions {
  readonly outbox: Pick<ParkedMessages, 'parkedAt' | 'replay'>;
  readonly targetOf: (connectionId: string) => Target | undefined;
  readonly delivery: (connectionId: string) => Pick<DeliveryIntake, 'appended' | 'allow'> | undefined;
  readonly metrics: Pick<UplinkMetrics, 'replayed'>;
  readonly now?: () => number;
}

/** A parked message that stays where it is, and why. */
export interface NotReplayed {
  readonly seq: number;
  readonly reason: Reason;
  readonly detail: string;
}

export interface Replayed {
  /** Messages that are in the outbox again. */
  readonly replayed: number;
  readonly refused: readonly NotReplayed[];
}

/** Puts parked messages back behind everything that waits. @throws BridgeError outbox_full, store_unavailable, stopping */
export type ReplayParked = (seqs: readonly number[]) => Promise<Replayed>;

const common = ({ connectionId, messageId, networkServerId, deviceId, type }: ParkedRecord) => ({ connectionId, messageId, networkServerId, deviceId, type });

const refusal = ({ seq }: ParkedRecord, error: unknown): NotReplayed => {
  if (!(error instanceof BridgeError)) throw error;
  return { seq, reason: error.reason, detail: error.message };
};

/** A message that never had a topic is shaped and rendered again, by the connection as it is now. */
const contentOf = (parked: ParkedRecord, target: Target): Pick<OutboxRecord, 'topic' | 'payload'> => {
  if (parked.topic !== '') return { topic: parked.topic, payload: parked.payload };
  const { message, original, encoding } = decodeParkedDocument(parked.payload);
  return publishable(target, { message, original: Buffer.from(original, encoding), shaped: new Map() });
};

export const createReplayParked = ({ outbox, targetOf, delivery, metrics, now = Date.now }: ReplayOptions): ReplayParked => {
  /** @throws BridgeError for which the message stays parked */
  const replayOf = (parked: ParkedRecord): Replay => {
    const target = targetOf(parked.connectionId);
    if (target === undefined) throw new BridgeError('no_connection', { detail: `the connection ${parked.connectionId} does not exist` });
    const acceptedAt = now();
    return { parked, record: { ...common(parked), ...contentOf(parked, target), acceptedAt, expiresAt: target.validityMs === 0 ? 0 : acceptedAt + target.validityMs } };
  };

  const handOver = (records: readonly OutboxRecord[]): void => {
    for (const connectionId of new Set(records.map((record) => record.connectionId))) {
      const own = records.filter((record) => record.connectionId === connectionId);
      metrics.replayed(connectionId, own.length);
      delivery(connectionId)?.appended(own);
    }
  };

  return async (seqs) => {
    const refused: NotReplayed[] = [];
    const batch: Replay[] = [];
    for (const parked of await outbox.parkedAt(seqs)) {
      try {
        batch.push(replayOf(parked));
      } catch (error) {
        refused.push(refusal(parked, error));
      }
    }
    // Whoever replays has seen to the policy: the memory of a refusal would park it again.
    for (const { record } of batch) delivery(record.connectionId)?.allow(record.topic);
    const records = await outbox.replay(batch);
    handOver(records);
    return { replayed: records.length, refused };
  };
};
