import { BridgeError } from '../../../errors.js';
import type { OutboxRecord, ParkedMessages, ParkedRecord, Replay } from '../../../uplink/ports.js';
import { replayScript } from './append-scripts.js';
import type { Errands } from './errands.js';
import type { Evaluate } from './evaluate.js';
import { discardScript, listParkedScript, readParkedScript } from './parked-scripts.js';
import { fieldsOf, isPosition, parkedOfEntry, type ParkedEntry } from './record-fields.js';
import type { SharedTotals } from './shared-totals.js';
import type { SlotCalls } from './slot-calls.js';

export interface ParkedMessagesOptions {
  readonly evaluate: Evaluate;
  readonly calls: Pick<SlotCalls, 'call'>;
  readonly errands: Errands;
  readonly totals: SharedTotals;
  /** Asked before anything is changed. @throws BridgeError stopping */
  readonly isOpen: () => void;
}

type Page = readonly [last: Buffer, end: number, ...entries: readonly ParkedEntry[]];
/** See `replayScript`. */
type Replayed = readonly [positions: readonly number[], elsewhere: readonly number[]];

/** Messages that one call looks at, and bytes that it gives: what is parked is much, and seldom asked for. */
const mostLooked = 500;
const mostBytes = 2 * 1024 * 1024;

const wantedOf = (value: string | undefined): string => (value === undefined ? '' : `=${value}`);

/** The messages that were given up, of all replicas. */
export const createParkedMessages = ({ evaluate, calls, errands, totals, isOpen }: ParkedMessagesOptions): ParkedMessages => ({
  async parked({ connectionId, networkServerId, deviceId, reason }, { after, limit }) {
    const wanted = [connectionId, networkServerId, deviceId, reason].map(wantedOf);
    const found: ParkedRecord[] = [];
    let last: string | number = after;
    for (let ended = false; !ended && found.length < limit;) {
      const args = [last, limit - found.length, mostLooked, mostBytes, ...wanted];
      const [looked, end, ...entries] = (await evaluate.bytes(listParkedScript, args)) as Page;
      found.push(...entries.map(parkedOfEntry));
      last = looked.toString();
      ended = end === 1;
    }
    return found;
  },
  async parkedAt(seqs) {
    const asked = seqs.filter(isPosition);
    if (asked.length === 0) return [];
    return ((await evaluate.bytes(readParkedScript, asked)) as readonly ParkedEntry[]).map(parkedOfEntry);
  },
  async replay(batch) {
    isOpen();
    const wanted = [...new Map(batch.filter(({ parked }) => isPosition(parked.seq)).map((replay): [number, Replay] => [replay.parked.seq, replay])).values()];
    if (wanted.length === 0) return [];
    const args = wanted.flatMap(({ parked, record }) => [parked.seq, ...fieldsOf(record)]);
    return errands.do(async () => {
      const [positions, elsewhere] = (await calls.call(replayScript, args)) as Replayed;
      const [head, messages = 0, bytes = 0] = positions;
      if (head === -1) throw totals.refused({ messages, bytes });
      // What went under the slot of another replica is not ours to deliver.
      const records = wanted.flatMap(({ record }, index): OutboxRecord[] => {
        const seq = positions[index] ?? 0;
        return seq === 0 || elsewhere.includes(seq) ? [] : [{ ...record, seq }];
      });
      if (records.length > 0) totals.taken();
      return records;
    });
  },
  async discard(seqs) {
    isOpen();
    const asked = seqs.filter(isPosition);
    if (asked.length === 0) return 0;
    const removed = await errands.do(() => calls.call(discardScript, asked));
    if (typeof removed !== 'number') throw new BridgeError('internal_error', { detail: 'the script that discards gave no number' });
    return removed;
  },
});
