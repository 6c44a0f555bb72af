import { BridgeError, messageOf } from '../../../errors.js';
import type { Append, AppendResult, NewRecord, OutboxRecord, SharedOutboxListener } from '../../../uplink/ports.js';
import type { Argument } from '../script.js';
import { appendScript } from './append-scripts.js';
import { arrivalKeyOf, fieldsOf, weightOf } from './record-fields.js';
import type { SharedTotals } from './shared-totals.js';
import type { Source } from './single-flight.js';
import type { SlotCalls } from './slot-calls.js';

export interface AppendsOptions {
  readonly calls: Pick<SlotCalls, 'call'>;
  /** While it is not, nothing is sent. */
  readonly isUp: () => boolean;
  readonly totals: SharedTotals;
  readonly listener: () => SharedOutboxListener;
  readonly wake: () => void;
}

/** Appends that come while a call is under way go together in the next one, each batch whole or not at all. */
export interface Appends extends Source {
  append(batch: readonly Append[]): Promise<AppendResult[]>;
}

interface Group {
  readonly batch: readonly Append[];
  readonly args: readonly Argument[];
  readonly records: number;
  readonly weight: number;
  readonly resolve: (results: AppendResult[]) => void;
  readonly reject: (error: unknown) => void;
}

/** See `appendScript`. */
type Result = readonly [groups: readonly (readonly number[])[], elsewhere: readonly number[]];

/** A call holds Redis up for all replicas, so it takes no more than this, or one batch. */
const most = { records: 500, weight: 2 * 1024 * 1024 };

const duplicate: AppendResult = { state: 'duplicate' };

/** Written out, because V8 takes a microsecond for a spread behind an entry. */
const withSequence = (seq: number, { connectionId, messageId, networkServerId, deviceId, type, acceptedAt, expiresAt, topic, payload }: NewRecord): OutboxRecord => ({
  seq, connectionId, messageId, networkServerId, deviceId, type, acceptedAt, expiresAt, topic, payload,
});

const argumentsOf = (batch: readonly Append[]): Argument[] => {
  const args: Argument[] = [batch.length];
  for (const append of batch) {
    args.push(arrivalKeyOf(append), append.records.length);
    for (const { record, park } of append.records) args.push(...fieldsOf(record), park?.reason ?? '', park?.detail ?? '');
  }
  return args;
};

export const createAppends = ({ calls, isUp, totals, listener, wake }: AppendsOptions): Appends => {
  let waiting: Group[] = [];

  const next = (): Group[] => {
    let [count, records, weight] = [0, 0, 0];
    for (const group of waiting) {
      records += group.records;
      weight += group.weight;
      if (count > 0 && (records > most.records || weight > most.weight)) break;
      count += 1;
    }
    const groups = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return groups;
  };

  const recordsOf = ({ records }: Append, first: number, elsewhere: ReadonlySet<number>): OutboxRecord[] => {
    const own: OutboxRecord[] = [];
    for (const [index, { record, park }] of records.entries()) {
      const seq = first + index;
      if (park !== undefined) continue;
      if (elsewhere.has(seq)) listener().moved(record.connectionId, 1);
      else own.push(withSequence(seq, record));
    }
    return own;
  };

  const conclude = ({ batch, resolve, reject }: Group, firsts: readonly number[], elsewhere: ReadonlySet<number>): void => {
    const [head = 0, messages = 0, bytes = 0] = firsts;
    if (head === -1) return reject(totals.refused({ messages, bytes }));
    const results = batch.map((append, index): AppendResult => {
      const first = firsts[index] ?? 0;
      return first === 0 ? duplicate : { state: 'stored', records: recordsOf(append, first, elsewhere) };
    });
    if (results.some((result) => result.state === 'stored' && result.records.length > 0)) totals.taken();
    resolve(results);
  };

  return {
    waits: () => waiting.length > 0,
    async run() {
      const groups = next();
      const mayBeDone = isUp();
      try {
        const [firsts, elsewhere] = (await calls.call(appendScript, [groups.length, ...groups.flatMap(({ args }) => args)])) as Result;
        const others = new Set(elsewhere);
        for (const [index, group] of groups.entries()) conclude(group, firsts[index] ?? [], others);
      } catch (cause) {
        const error = new BridgeError(cause instanceof BridgeError ? cause.reason : 'store_unavailable', { detail: messageOf(cause), cause, mayBeDone });
        for (const { reject } of groups) reject(error);
      }
    },
    append: (batch) =>
      new Promise((resolve, reject) => {
        const records = batch.flatMap((append) => append.records);
        const weight = records.reduce((sum, { record }) => sum + weightOf(record), batch.length * 100);
        waiting.push({ batch, args: argumentsOf(batch), records: records.length + batch.length, weight, resolve, reject });
        wake();
      }),
  };
};
