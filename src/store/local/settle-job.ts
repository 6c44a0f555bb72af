import { createDeferred } from '../../deferred.js';
import type { SlotMap } from '../../slot-map.js';
import type { Settlement } from '../../uplink/ports.js';
import type { Job } from './job.js';
import type { ConnectionState, Connections } from './connections.js';
import type { Tables } from './environment.js';
import type { Overlay } from './journal/overlay.js';
import { recordKey } from './outbox-keys.js';
import type { ParkedRoom } from './parked-room.js';
import type { ReadSizes } from './read-sizes.js';
import { encodeParked, storedBytes } from './record-encoding.js';

export interface SettleParts {
  readonly connections: Connections;
  readonly parked: ParkedRoom;
  readonly overlay: Pick<Overlay, 'find'>;
  readonly sizes: Pick<ReadSizes, 'find' | 'forget'>;
  /** Positions being settled, with the promise of the first call, so that none is counted twice. */
  readonly settling: SlotMap<number, Promise<unknown>>;
  readonly now: () => number;
}

/** One call of `settle`. */
export interface SettleJob extends Job {
  readonly writes: boolean;
  readonly durable: Promise<unknown>;
}

interface Claim {
  readonly settlement: Settlement;
  readonly state: ConnectionState;
  readonly key: Buffer;
}

interface Removal {
  readonly state: ConnectionState;
  readonly seq: number;
  readonly key: Buffer;
  readonly bytes: number;
  readonly parked: Buffer | undefined;
}

export const createSettleJob = (batch: readonly Settlement[], { connections, parked, overlay, sizes, settling, now }: SettleParts): SettleJob => {
  const { promise: commit, resolve, reject } = createDeferred();
  const shared = new Set<Promise<unknown>>();
  const claims: Claim[] = [];
  let removals: Removal[] = [];

  for (const settlement of batch) {
    const { seq, connectionId } = settlement.record;
    const first = settling.get(seq);
    const state = connections.find(connectionId);
    if (first !== undefined && first !== commit) shared.add(first);
    if (first !== undefined || state === undefined) continue;
    settling.set(seq, commit);
    claims.push({ settlement, state, key: recordKey(state.ordinal, seq) });
  }
  if (claims.length === 0) resolve();

  /** Bytes of a record's value; undefined where it is not there any more. */
  const sizeOf = (seq: number, key: Buffer, { records }: Tables): number | undefined => {
    const read = sizes.find(seq);
    if (read !== undefined) return read;
    const known = overlay.find(key);
    return known === 'removed' ? undefined : (known ?? records.getBinaryFast(key))?.length;
  };

  const removalOf = ({ settlement, state, key }: Claim, tables: Tables): Removal | undefined => {
    const { seq } = settlement.record;
    if (settlement.outcome !== 'parked') {
      const length = sizeOf(seq, key, tables);
      return length === undefined ? undefined : { state, seq, key, bytes: storedBytes({ length }), parked: undefined };
    }
    const known = overlay.find(key);
    const value = known === 'removed' ? undefined : (known ?? tables.records.getBinary(key));
    if (value === undefined) return undefined;
    const { reason, detail } = settlement;
    return { state, seq, key, bytes: storedBytes(value), parked: encodeParked(value, { reason, detail, parkedAt: now() }) };
  };

  const count = ({ state, seq, bytes, parked: value }: Removal): void => {
    sizes.forget(seq);
    connections.count(state, -1, -bytes);
    if (state.oldest?.seq === seq) state.oldest = undefined;
    if (value !== undefined) parked.added(state, storedBytes(value));
  };

  const release = (): void => { for (const { settlement } of claims) settling.delete(settlement.record.seq); };

  return {
    kind: 'settle',
    writes: claims.length > 0,
    durable: shared.size === 0 ? commit : Promise.all([commit, ...shared]),
    prepare(tables) {
      removals = claims.map((claim) => removalOf(claim, tables)).filter((removal) => removal !== undefined);
      return removals.length > 0;
    },
    changes: () => (removals.some(({ parked: value }) => value !== undefined) ? undefined : { removed: removals.map(({ key }) => key) }),
    isUsual: batch.every(({ outcome }) => outcome !== 'parked'),
    changesBehind: () => ({ removed: removals.map(({ key }) => key).filter((key) => overlay.find(key) !== undefined) }),
    write(tables) {
      for (const { key, parked: value } of removals) {
        void tables.records.remove(key);
        if (value !== undefined) void tables.parked.put(key, value);
      }
    },
    done() {
      for (const removal of removals) count(removal);
      release();
      parked.trim();
      resolve();
    },
    failed(error) {
      release();
      reject(error);
    },
  };
};
