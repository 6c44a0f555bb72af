import type { Logger } from '../../log.js';
import type { Outbox, OutboxRecord } from '../../uplink/ports.js';
import type { Connections } from './connections.js';
import type { Environment } from './environment.js';
import { recordKey, recordRange, seqOf } from './outbox-keys.js';
import { damageOf, decodeRecord } from './record-encoding.js';

/** Damaged records named in the log; those beyond are damage of the same disk. */
const mostReported = 100;

/**
 * The reading half of the outbox. A record whose checksum is wrong is never delivered: it is left where it is, and the check
 * at the next start finds it.
 */
export const createRecordReader = (environment: Environment, connections: Connections, logger: Logger): Pick<Outbox, 'read' | 'readSome'> => {
  const reported = new Set<number>();

  const decode = (connectionId: string, seq: number, value: Buffer): OutboxRecord | undefined => {
    const damage = damageOf(value);
    if (damage === undefined) return decodeRecord(connectionId, seq, value);
    if (!reported.has(seq) && reported.size < mostReported) {
      reported.add(seq);
      logger.error({ reason: 'store_corrupt', connection_id: connectionId, detail: `record ${seq}: ${damage}` }, 'damaged record skipped');
    }
    return undefined;
  };

  return {
    read(connectionId, afterSeq, limit, maxBytes) {
      const state = connections.find(connectionId);
      const tables = environment.tables();
      const found: OutboxRecord[] = [];
      if (state === undefined || state.messages === 0 || tables === undefined || limit <= 0) return found;
      let bytes = 0;
      for (const { key, value } of tables.records.getRange({ ...recordRange(state.ordinal, afterSeq), limit })) {
        const record = decode(connectionId, seqOf(key), value);
        if (record !== undefined) found.push(record);
        bytes += value.length;
        if (bytes >= maxBytes) break;
      }
      return found;
    },
    readSome(connectionId, seqs) {
      const state = connections.find(connectionId);
      const tables = environment.tables();
      if (state === undefined || tables === undefined) return [];
      return seqs.flatMap((seq) => {
        const value = tables.records.getBinary(recordKey(state.ordinal, seq));
        return (value === undefined ? undefined : decode(connectionId, seq, value)) ?? [];
      });
    },
  };
};
