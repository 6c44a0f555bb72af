import { createDeferred } from '../../deferred.js';
import type { Job } from './job.js';
import type { ConnectionState, Connections } from './connections.js';
import type { Tables } from './environment.js';
import { isSeq, recordKey } from './outbox-keys.js';
import type { ParkedClaims } from './parked-claims.js';
import type { ParkedRoom } from './parked-room.js';
import { storedBytes } from './record-encoding.js';

export interface DiscardParts {
  readonly connections: Connections;
  readonly claims: ParkedClaims;
  readonly room: ParkedRoom;
}

/** One call of `discard`. */
export interface DiscardJob extends Job {
  readonly writes: boolean;
  readonly durable: Promise<unknown>;
  /** How many were removed, once it is durable. */
  removed(): number;
}

interface Removal {
  readonly state: ConnectionState;
  readonly key: Buffer;
  readonly bytes: number;
}

/** Like a settlement it makes room, so it is also written when the disk is nearly full, and tried again until it is. */
export const createDiscardJob = (seqs: readonly number[], { connections, claims, room }: DiscardParts): DiscardJob => {
  const { promise: commit, resolve, reject } = createDeferred();
  const { claimed, shared } = claims.claim(new Set(seqs.filter(isSeq)), commit);
  let removals: Removal[] = [];
  if (claimed.size === 0) resolve();

  const removalOf = (states: readonly ConnectionState[], seq: number, { parked }: Tables): Removal[] => {
    for (const state of states) {
      const key = recordKey(state.ordinal, seq);
      const size = parked.getBinaryFast(key)?.length;
      if (size !== undefined) return [{ state, key, bytes: storedBytes({ length: size }) }];
    }
    return [];
  };

  return {
    kind: 'settle',
    writes: claimed.size > 0,
    durable: shared.size === 0 ? commit : Promise.all([commit, ...shared]),
    removed: () => removals.length,
    prepare(tables) {
      const states = connections.withParked();
      removals = [...claimed].flatMap((seq) => removalOf(states, seq, tables));
      return removals.length > 0;
    },
    changesBehind: () => ({}),
    write: ({ parked }) => { for (const { key } of removals) void parked.remove(key); },
    done() {
      for (const { state, bytes } of removals) room.removed(state, bytes);
      claims.release(claimed);
      resolve();
    },
    failed(error) {
      removals = [];
      claims.release(claimed);
      reject(error);
    },
  };
};
