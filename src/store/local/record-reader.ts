import type { Logger } from '../../log.js';
import type { Outbox, OutboxRecord } from '../../uplink/ports.js';
import type { Connections } from './connections.js';
import type { Environment, Table } from './environment.js';
import type { Overlay } from './journal/overlay.js';
import { readStore } from './open-store.js';
import { recordKey } from './outbox-keys.js';
import type { ReadSizes } from './read-sizes.js';
import { damageOf, decodeRecord } from './record-encoding.js';

export interface RecordReaderParts {
  readonly environment: Environment;
  readonly overlay: Pick<Overlay, 'find' | 'recordsAfter'>;
  readonly connections: Connections;
  readonly sizes: Pick<ReadSizes, 'note'>;
  readonly logger: Logger;
}

/** Damaged records named in the log; those beyond are damage of the same disk. */
const mostReported = 100;

/**
 * The reading half of the outbox. A record whose checksum is wrong is never delivered: it is left where it is, and the check
 * at the next start finds it.
 */
export const createRecordReader = ({ environment, overlay, connections, sizes, logger }: RecordReaderParts): Pick<Outbox, 'read' | 'readSome'> => {
  const reported = new Set<number>();

  const decode = (connectionId: string, seq: number, value: Buffer): OutboxRecord | undefined => {
    const damage = damageOf(value);
    if (damage === undefined) {
      sizes.note(seq, value.length);
      return decodeRecord(connectionId, seq, value);
    }
    if (!reported.has(seq) && reported.size < mostReported) {
      reported.add(seq);
      logger.error({ reason: 'store_corrupt', connection_id: connectionId, detail: `record ${seq}: ${damage}` }, 'damaged record skipped');
    }
    return undefined;
  };

  const reading = async (read: (records: Table) => OutboxRecord[]): Promise<OutboxRecord[]> => readStore(environment, 'outbox', ({ records }) => read(records));

  return {
    async read(connectionId, afterSeq, limit, maxBytes) {
      const state = connections.find(connectionId);
      if (state === undefined || state.messages === 0 || limit <= 0) return [];
      return reading((records) => {
        const found: OutboxRecord[] = [];
        let bytes = 0;
        let looked = 0;
        for (const { seq, value } of overlay.recordsAfter(records, state.ordinal, afterSeq)) {
          const record = decode(connectionId, seq, value);
          if (record !== undefined) found.push(record);
          bytes += value.length;
          looked += 1;
          if (bytes >= maxBytes || looked >= limit) break;
        }
        return found;
      });
    },
    async readSome(connectionId, seqs) {
      const state = connections.find(connectionId);
      if (state === undefined || seqs.length === 0) return [];
      return reading((records) =>
        seqs.flatMap((seq) => {
          const key = recordKey(state.ordinal, seq);
          const value = overlay.find(key) ?? records.getBinary(key);
          return (value === undefined || value === 'removed' ? undefined : decode(connectionId, seq, value)) ?? [];
        }),
      );
    },
  };
};
