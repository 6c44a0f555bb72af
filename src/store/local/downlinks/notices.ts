import type { DownlinkQueue, Notice } from '../../../downlink/ports.js';
import type { Environment } from '../environment.js';
import { seqKey } from '../keys.js';
import { decodeValue, encodeValue, timeOf } from '../json-value.js';
import type { StoredNotice } from './downlink-records.js';
import { reading, type DownlinkTables, type Writer } from './downlink-tables.js';

/** A notice that is not stored yet. */
export interface NewNotice {
  readonly notice: Notice;
  readonly write: (tables: DownlinkTables) => void;
}

export interface Notices extends Pick<DownlinkQueue, 'notices' | 'forget'> {
  make(notice: StoredNotice): NewNotice;
}

/** Most notices given at a time, the oldest first, so that a long backlog of reports fits in memory. */
const mostGiven = 1_000;

export const createNotices = (environment: Environment<DownlinkTables>, writer: Writer, now: () => number): Notices => ({
  make(content) {
    const seq = writer.nextSeq();
    const value = encodeValue(now(), content);
    return { notice: { key: String(seq), ...content }, write: ({ notices }) => { void notices.put(seqKey(seq), value); } };
  },
  async notices(olderThanMs) {
    const before = now() - olderThanMs;
    return reading(environment, ({ notices }) => {
      const found: Notice[] = [];
      for (const { key, value } of notices.getRange({})) {
        const content = timeOf(value) <= before ? decodeValue<StoredNotice>(value) : undefined;
        if (content !== undefined) found.push({ key: String(key.readUIntBE(0, key.length)), ...content });
        if (found.length >= mostGiven) break;
      }
      return found;
    });
  },
  async forget(given) {
    const seqs = given.map(({ key }) => Number(key)).filter(Number.isSafeInteger);
    if (seqs.length === 0) return;
    await writer.commit({ kind: 'append', write: ({ notices }) => { for (const seq of seqs) void notices.remove(seqKey(seq)); } });
  },
});
