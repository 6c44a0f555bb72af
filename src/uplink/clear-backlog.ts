import type { UplinkMetrics } from './metrics.js';
import type { Outbox, OutboxRecord, ParkedMessages } from './ports.js';

/** What becomes of the messages that wait for a connection which is deleted. */
export type Disposal = 'park' | 'discard';

export interface ClearBacklogOptions {
  readonly outbox: Pick<Outbox, 'read' | 'settle'> & Pick<ParkedMessages, 'discard'>;
  readonly connectionId: string;
  readonly disposal: Disposal;
  readonly metrics: Pick<UplinkMetrics, 'parked'>;
}

const pageSize = { records: 500, bytes: 8 * 1024 * 1024 };

const park = (record: OutboxRecord) => ({ outcome: 'parked', record, reason: 'connection_deleted', detail: `the connection ${record.connectionId} was deleted` }) as const;

/**
 * Empties the outbox of a connection that nothing delivers any more: what waits is parked, and with `discard` removed right after.
 * Resolves with how many there were, when it is durable. Doing it again goes on where it stopped. @throws BridgeError store_unavailable, stopping
 */
export const clearBacklog = async ({ outbox, connectionId, disposal, metrics }: ClearBacklogOptions): Promise<number> => {
  let cleared = 0;
  for (let after = -1; ; ) {
    const records = await outbox.read(connectionId, after, pageSize.records, pageSize.bytes);
    const last = records.at(-1);
    if (last === undefined) return cleared;
    await outbox.settle(records.map(park));
    if (disposal === 'discard') await outbox.discard(records.map(({ seq }) => seq));
    for (const _ of records) metrics.parked(connectionId, 'connection_deleted');
    cleared += records.length;
    after = last.seq;
  }
};
