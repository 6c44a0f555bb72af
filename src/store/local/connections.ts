import { BridgeError } from '../../errors.js';
import type { PendingTotals } from '../../uplink/ports.js';
import type { Tables } from './environment.js';
import { recordRange, seqOf } from './outbox-keys.js';
import { acceptedAtOf } from './record-encoding.js';

/** What is known of a connection in memory: its number in the keys and its totals of committed, unsettled records. */
export interface ConnectionState {
  readonly id: string;
  readonly ordinal: number;
  /** Messages found when the outbox was opened. */
  readonly restored: number;
  messages: number;
  bytes: number;
  /** Whether the ordinal is on disk. */
  stored: boolean;
  oldest: { readonly seq: number; readonly acceptedAt: number } | undefined;
}

export interface Connections {
  find(id: string): ConnectionState | undefined;
  /** The state of a connection, made when it is new. */
  of(id: string): ConnectionState;
  idOf(ordinal: number): string | undefined;
  all(): Iterable<ConnectionState>;
  oldestAcceptedAt(id: string, tables: Tables | undefined): number | undefined;
}

const maxOrdinal = 0xffff;
const prefix = 'connection:';
const ordinalValue = (ordinal: number): Buffer => Buffer.from(String(ordinal));

/** Puts the ordinal of a connection, for the transaction that first uses it. */
export const writeOrdinal = ({ meta }: Tables, state: ConnectionState): void => {
  void meta.put(Buffer.from(`${prefix}${state.id}`), ordinalValue(state.ordinal));
};

const storedOrdinals = ({ meta }: Tables): [string, number][] => {
  const range = meta.getRange({ start: Buffer.from(prefix), end: Buffer.from(`${prefix.slice(0, -1)};`) });
  return [...range].map(({ key, value }) => [key.toString('utf8', prefix.length), Number(value.toString('latin1'))]);
};

const readOldest = ({ records }: Tables, ordinal: number): ConnectionState['oldest'] => {
  for (const { key, value } of records.getRange({ ...recordRange(ordinal, -1), limit: 1 })) return { seq: seqOf(key), acceptedAt: acceptedAtOf(value) };
  return undefined;
};

/** @param pending Totals by ordinal, as counted when the file was checked. */
export const createConnections = (tables: Tables, pending: ReadonlyMap<number, PendingTotals>): Connections => {
  const byId = new Map<string, ConnectionState>();
  const byOrdinal: string[] = [];

  const add = (id: string, ordinal: number, stored: boolean): ConnectionState => {
    const { messages, bytes } = pending.get(ordinal) ?? { messages: 0, bytes: 0 };
    const state: ConnectionState = { id, ordinal, restored: messages, messages, bytes, stored, oldest: undefined };
    byId.set(id, state);
    byOrdinal[ordinal] = id;
    return state;
  };
  for (const [id, ordinal] of storedOrdinals(tables)) add(id, ordinal, true);

  const addNew = (id: string): ConnectionState => {
    if (byOrdinal.length > maxOrdinal) throw new BridgeError('internal_error', { detail: 'the outbox has seen more than 65,536 connections' });
    return add(id, byOrdinal.length, false);
  };

  return {
    find: (id) => byId.get(id),
    of: (id) => byId.get(id) ?? addNew(id),
    idOf: (ordinal) => byOrdinal[ordinal],
    all: () => byId.values(),
    oldestAcceptedAt(id, current) {
      const state = byId.get(id);
      if (state === undefined || state.messages === 0) return undefined;
      try {
        if (state.oldest === undefined && current !== undefined) state.oldest = readOldest(current, state.ordinal);
      } catch {
        // Metrics ask; a store that cannot be read shows in `unwritable` and must not break them.
        return undefined;
      }
      return state.oldest?.acceptedAt;
    },
  };
};
