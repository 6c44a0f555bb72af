import { BridgeError } from '../errors.js';
import type { UplinkMetrics } from './metrics.js';
import type { NewRecord, OutboxRecord, Publisher, PublishOutcome } from './ports.js';

/** Publishes that go past the outbox because it cannot be written. Their positions are negative, so nobody takes them for stored ones. */
export interface DirectPublishes {
  /** Sends the record when a session has room. Undefined: none has. The promise ends with the PUBACK, or @throws BridgeError store_unavailable */
  send(record: NewRecord, publisher: Publisher): { readonly record: OutboxRecord; readonly acknowledged: Promise<void> } | undefined;
  /** How the publish of one of them ended. */
  settled(record: OutboxRecord, outcome: PublishOutcome): void;
}

export const isDirect = ({ seq }: OutboxRecord): boolean => seq < 0;

export const createDirectPublishes = (connectionId: string, metrics: Pick<UplinkMetrics, 'delivered'>): DirectPublishes => {
  const waiting = new Map<number, { readonly resolve: () => void; readonly reject: (error: BridgeError) => void }>();
  let last = 0;
  return {
    send(unnumbered, publisher) {
      last -= 1;
      const record = { ...unnumbered, seq: last };
      if (!publisher.publish(record)) return undefined;
      return { record, acknowledged: new Promise((resolve, reject) => waiting.set(record.seq, { resolve, reject })) };
    },
    settled(record, outcome) {
      const one = waiting.get(record.seq);
      waiting.delete(record.seq);
      if (outcome.kind !== 'acknowledged') return one?.reject(new BridgeError('store_unavailable'));
      metrics.delivered(connectionId, (Date.now() - record.acceptedAt) / 1000);
      one?.resolve();
    },
  };
};
