import { createDeferred } from '../../deferred.js';
import { BridgeError } from '../../errors.js';
import type { Append, AppendRecord, AppendResult, NewRecord, OutboxRecord } from '../../uplink/ports.js';
import type { Job } from './job.js';
import { writeOrdinal, type ConnectionState, type Connections } from './connections.js';
import { recordKey } from './outbox-keys.js';
import type { ParkedRoom } from './parked-room.js';
import { encodeParked, encodeRecord, storedBytes } from './record-encoding.js';
import type { SeenMessages } from './seen-messages.js';
import type { Sequence } from './sequence.js';

export interface AppendParts {
  readonly connections: Connections;
  readonly seen: SeenMessages;
  readonly sequence: Sequence;
  readonly parked: ParkedRoom;
  readonly now: () => number;
}

interface NewValue {
  readonly state: ConnectionState;
  readonly key: Buffer;
  readonly value: Buffer;
}

/** One call of `append`: what it writes, its results, and the batches whose outcome it shares. */
export interface AppendJob extends Job {
  readonly results: AppendResult[];
  /** Records and bytes that it adds to the outbox. */
  readonly messages: number;
  readonly bytes: number;
  readonly writes: boolean;
  /** Its own commit and those of the batches that hold the first of its duplicates. */
  readonly durable: Promise<unknown>;
}

const duplicate: AppendResult = { state: 'duplicate' };

/** Written out, because V8 takes a microsecond for a spread behind an entry. */
const withSequence = (seq: number, { connectionId, messageId, networkServerId, deviceId, type, acceptedAt, expiresAt, topic, payload }: NewRecord): OutboxRecord => ({
  seq, connectionId, messageId, networkServerId, deviceId, type, acceptedAt, expiresAt, topic, payload,
});

/**
 * Decides, in order, what is new in a batch, and claims its keys, so that whoever comes later in this turn sees them.
 * @throws BridgeError `store_unavailable` when what was seen cannot be read; then nothing is claimed.
 */
export const createAppendJob = (batch: readonly Append[], parts: AppendParts): AppendJob => {
  const { connections, seen, sequence, parked, now } = parts;
  const { promise: commit, resolve, reject } = createDeferred();
  const keys = seen.begin(commit);
  const records: NewValue[] = [];
  const parkings: NewValue[] = [];
  let bytes = 0;
  let reserves = false;

  const place = (record: NewRecord, seq: number, value: Buffer): NewValue => {
    const state = connections.of(record.connectionId);
    return { state, key: recordKey(state.ordinal, seq), value };
  };

  const addRecord = (record: NewRecord): OutboxRecord => {
    const seq = sequence.take();
    const value = encodeRecord(record);
    records.push(place(record, seq, value));
    bytes += storedBytes(value);
    return withSequence(seq, record);
  };

  const addParked = (record: NewRecord, park: NonNullable<AppendRecord['park']>): void => {
    parkings.push(place(record, sequence.take(), encodeParked(encodeRecord(record), { ...park, parkedAt: now() })));
  };

  const resultOf = (append: Append): AppendResult => {
    if (keys.isDuplicate(append)) return duplicate;
    const stored: OutboxRecord[] = [];
    for (const { record, park } of append.records) {
      if (park === undefined) stored.push(addRecord(record));
      else addParked(record, park);
    }
    return { state: 'stored', records: stored };
  };

  const count = (): void => {
    for (const { state, value } of records) connections.count(state, 1, storedBytes(value));
    for (const { state, value } of parkings) parked.added(state, storedBytes(value));
    for (const { state } of [...records, ...parkings]) state.stored = true;
    if (parkings.length > 0) parked.trim();
  };

  const decide = (): AppendResult[] => {
    try {
      return batch.map(resultOf);
    } catch (cause) {
      keys.failed();
      throw cause instanceof BridgeError ? cause : new BridgeError('store_unavailable', { cause });
    }
  };

  const results = decide();
  if (!keys.writes()) resolve();

  return {
    kind: 'append',
    results,
    messages: records.length,
    bytes,
    writes: keys.writes(),
    durable: keys.shared.size === 0 ? commit : Promise.all([commit, ...keys.shared]),
    prepare: () => true,
    changes() {
      if (parkings.length > 0 || sequence.reserveNeeded() || records.some(({ state }) => !state.stored)) return undefined;
      return { records, ...keys.changes() };
    },
    write(tables) {
      keys.write(tables);
      reserves = sequence.reserveNeeded();
      if (reserves) sequence.write(tables);
      for (const { state } of [...records, ...parkings]) if (!state.stored) writeOrdinal(tables, state);
      for (const { key, value } of records) void tables.records.put(key, value);
      for (const { key, value } of parkings) void tables.parked.put(key, value);
    },
    done() {
      if (reserves) sequence.written();
      count();
      keys.done();
      resolve();
    },
    failed(error) {
      keys.failed();
      reject(error);
    },
  };
};
