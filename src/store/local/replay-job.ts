import { createDeferred } from '../../deferred.js';
import { BridgeError } from '../../errors.js';
import type { OutboxRecord, Replay } from '../../uplink/ports.js';
import type { Job } from './job.js';
import { writeOrdinal, type ConnectionState, type Connections } from './connections.js';
import type { Tables } from './environment.js';
import { isSeq, recordKey } from './outbox-keys.js';
import type { ParkedClaims } from './parked-claims.js';
import type { ParkedRoom } from './parked-room.js';
import { encodeRecord, storedBytes } from './record-encoding.js';
import type { Sequence } from './sequence.js';

export interface ReplayParts {
  readonly connections: Connections;
  readonly sequence: Sequence;
  readonly claims: ParkedClaims;
  readonly room: ParkedRoom;
}

/** One call of `replay`. */
export interface ReplayJob extends Job {
  /** Records and bytes that it may add to the outbox. */
  readonly messages: number;
  readonly bytes: number;
  readonly writes: boolean;
  readonly durable: Promise<unknown>;
  /** What was appended, once it is durable. */
  results(): OutboxRecord[];
}

interface Move {
  readonly from: ConnectionState;
  readonly parkedKey: Buffer;
  readonly to: ConnectionState;
  readonly key: Buffer;
  readonly value: Buffer;
  readonly record: OutboxRecord;
}

/** Takes each parked message once, however often the batch or others name it; its new place is behind all that was appended before the call. */
export const createReplayJob = (batch: readonly Replay[], { connections, sequence, claims, room }: ReplayParts): ReplayJob => {
  const { promise: commit, resolve, reject } = createDeferred();
  const wanted = new Map(batch.filter(({ parked }) => isSeq(parked.seq)).map((replay) => [replay.parked.seq, replay]));
  const { claimed, shared } = claims.claim(wanted.keys(), commit);
  const release = (): void => { claims.release(claimed); };

  const moveOf = ({ parked, record }: Replay): Move[] => {
    const from = connections.find(parked.connectionId);
    if (from === undefined || !claimed.has(parked.seq)) return [];
    const to = connections.of(record.connectionId);
    const seq = sequence.take();
    return [{ from, parkedKey: recordKey(from.ordinal, parked.seq), to, key: recordKey(to.ordinal, seq), value: encodeRecord(record), record: { ...record, seq } }];
  };

  const plan = (): Move[] => {
    try {
      return [...wanted.values()].flatMap(moveOf);
    } catch (cause) {
      release();
      throw cause instanceof BridgeError ? cause : new BridgeError('store_unavailable', { cause });
    }
  };

  const planned = plan();
  let moves: { readonly move: Move; readonly parkedBytes: number }[] = [];
  let reserves = false;
  if (planned.length === 0) {
    release();
    resolve();
  }

  const find = ({ parked }: Tables): typeof moves =>
    planned.flatMap((move) => {
      const size = parked.getBinaryFast(move.parkedKey)?.length;
      return size === undefined ? [] : [{ move, parkedBytes: storedBytes({ length: size }) }];
    });

  return {
    kind: 'append',
    messages: planned.length,
    bytes: planned.reduce((sum, { value }) => sum + storedBytes(value), 0),
    writes: planned.length > 0,
    durable: shared.size === 0 ? commit : Promise.all([commit, ...shared]),
    results: () => moves.map(({ move }) => move.record),
    prepare(tables) {
      moves = find(tables);
      return moves.length > 0;
    },
    write(tables) {
      reserves = moves.length > 0 && sequence.reserveNeeded();
      if (reserves) sequence.write(tables);
      for (const { move } of moves) {
        if (!move.to.stored) writeOrdinal(tables, move.to);
        void tables.parked.remove(move.parkedKey);
        void tables.records.put(move.key, move.value);
      }
    },
    done() {
      if (reserves) sequence.written();
      for (const { move, parkedBytes } of moves) {
        move.to.stored = true;
        room.removed(move.from, parkedBytes);
        connections.count(move.to, 1, storedBytes(move.value));
      }
      release();
      resolve();
    },
    failed(error) {
      moves = [];
      release();
      reject(error);
    },
  };
};
