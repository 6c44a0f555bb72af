import type { Outbox, OutboxRecord } from '../../../uplink/ports.js';
import type { RedisLink } from '../redis-link.js';
import type { Evaluate } from './evaluate.js';
import { readSomeScript } from './parked-scripts.js';
import { isPosition, recordOfEntry, type Entry } from './record-fields.js';
import type { Standing } from './slot-calls.js';

export interface RecordReaderOptions {
  readonly link: Pick<RedisLink, 'run'>;
  readonly evaluate: Evaluate;
  readonly tag: string;
  readonly slot: () => string;
  readonly standing: (connectionId: string) => Standing | undefined;
}

/** Records of one reply, at most: what Redis gathers for it holds up the others. */
const mostRecords = 512;

/** Reads what waits under the slot that is held. */
export const createRecordReader = ({ link, evaluate, tag, slot, standing }: RecordReaderOptions): Pick<Outbox, 'read' | 'readSome'> => {
  /** How many records of this connection are about so many bytes. */
  const pageSize = (connectionId: string, records: number, bytes: number): number => {
    const known = standing(connectionId);
    const each = known === undefined ? 1_000 : Math.max(1, known.bytes / known.messages);
    return Math.max(1, Math.min(records, mostRecords, Math.ceil(bytes / each)));
  };

  return {
    async read(connectionId, afterSeq, limit, maxBytes) {
      const key = `${tag}:out:${slot()}:${connectionId}`;
      const found: OutboxRecord[] = [];
      let bytes = 0;
      let after = Math.max(0, afterSeq);
      while (found.length < limit && bytes < maxBytes) {
        const count = pageSize(connectionId, limit - found.length, maxBytes - bytes);
        const from = after;
        const entries: readonly Entry[] = await link.run((client) => client.xrangeBuffer(key, `(${from}`, '+', 'COUNT', count));
        for (const entry of entries) {
          if (bytes >= maxBytes) break;
          const record = recordOfEntry(connectionId, entry);
          found.push(record);
          bytes += entry[1].reduce((sum, field) => sum + field.length, 0);
          after = record.seq;
        }
        if (entries.length < count) break;
      }
      return found;
    },
    async readSome(connectionId, seqs) {
      const asked = seqs.filter(isPosition);
      if (asked.length === 0) return [];
      const entries = (await evaluate.bytes(readSomeScript, [`${slot()}:${connectionId}`, ...asked])) as readonly Entry[];
      return entries.map((entry) => recordOfEntry(connectionId, entry));
    },
  };
};
