import { BridgeError } from '../../errors.js';
import type { PendingTotals } from '../../uplink/ports.js';
import type { Table, Tables } from './environment.js';
import type { Overlay } from './journal/overlay.js';
import { maxOrdinal } from './outbox-keys.js';
import { acceptedAtOf } from './record-encoding.js';

/** What is known of a connection in memory: its number in the keys and its totals of committed records. */
export interface ConnectionState {
  readonly id: string;
  readonly ordinal: number;
  /** Messages found when the outbox was opened. */
  readonly restored: number;
  /** Unsettled ones. */
  readonly messages: number;
  readonly bytes: number;
  readonly parked: number;
  /** Whether the ordinal is on disk. */
  stored: boolean;
  oldest: { readonly seq: number; readonly acceptedAt: number } | undefined;
  /** The oldest record stands behind this position: positions only rise, and while a backlog drains LMDB holds thousands before it that are settled. */
  goneUpTo: number;
}

type Counted = ConnectionState & { messages: number; bytes: number; parked: number };

export interface Connections {
  find(id: string): ConnectionState | undefined;
  /** The state of a connection, made when it is new. */
  of(id: string): ConnectionState;
  /** Notes that so many unsettled messages with so many bytes came, or went when negative. */
  count(state: ConnectionState, messages: number, bytes: number): void;
  countParked(state: ConnectionState, messages: number): void;
  /** The unsettled messages of all connections. */
  used(): PendingTotals;
  /** Ids of those that have unsettled messages. */
  waiting(): string[];
  /** Those that have parked messages. */
  withParked(): ConnectionState[];
  oldestAcceptedAt(id: string, tables: Tables | undefined): number | undefined;
  /** Whether `removeUnused` has anything to do. */
  readonly hasUnused: boolean;
  /** Removes the names of connections that had nothing left when the outbox was opened, so that the next one may use their numbers again. */
  removeUnused(tables: Tables): void;
}

/** What the check of the file counted, by ordinal. */
export interface FoundTotals {
  readonly pending: ReadonlyMap<number, PendingTotals>;
  readonly parked: ReadonlyMap<number, PendingTotals>;
}

const prefix = 'connection:';
const nameKey = (id: string): Buffer => Buffer.from(`${prefix}${id}`);
const ordinalValue = (ordinal: number): Buffer => Buffer.from(String(ordinal));

/** Puts the ordinal of a connection, for the transaction that first uses it. */
export const writeOrdinal = ({ meta }: Tables, state: ConnectionState): void => {
  void meta.put(nameKey(state.id), ordinalValue(state.ordinal));
};

const storedOrdinals = ({ meta }: { readonly meta: Table }): [string, number][] => {
  const range = meta.getRange({ start: Buffer.from(prefix), end: Buffer.from(`${prefix.slice(0, -1)};`) });
  return [...range].map(({ key, value }) => [key.toString('utf8', prefix.length), Number(value.toString('latin1'))]);
};

const readOldest = ({ records }: Tables, overlay: Pick<Overlay, 'recordsAfter'>, state: ConnectionState): ConnectionState['oldest'] => {
  for (const { seq, value } of overlay.recordsAfter(records, state.ordinal, state.goneUpTo)) {
    state.goneUpTo = seq - 1;
    return { seq, acceptedAt: acceptedAtOf(value) };
  }
  return undefined;
};

const nothing: PendingTotals = { messages: 0, bytes: 0 };

/**
 * A connection that had nothing left when the outbox was opened gets a new number when it is used, and its old one is free from the
 * next opening on: so connections that were deleted never use up the numbers.
 */
export const createConnections = (tables: Tables, overlay: Pick<Overlay, 'recordsAfter'>, { pending, parked }: FoundTotals): Connections => {
  const byId = new Map<string, Counted>();
  const withParked = new Set<ConnectionState>();
  const onDisk = storedOrdinals(tables);
  const taken = new Set(onDisk.map(([, ordinal]) => ordinal));
  const unused: string[] = [];
  const used = { messages: 0, bytes: 0 };
  let next = 0;

  const add = (id: string, ordinal: number, stored: boolean): ConnectionState => {
    const { messages, bytes } = pending.get(ordinal) ?? nothing;
    const state: Counted = { id, ordinal, restored: messages, messages, bytes, parked: parked.get(ordinal)?.messages ?? 0, stored, oldest: undefined, goneUpTo: -1 };
    byId.set(id, state);
    used.messages += messages;
    used.bytes += bytes;
    if (state.parked > 0) withParked.add(state);
    return state;
  };

  for (const [id, ordinal] of onDisk) {
    if (pending.has(ordinal) || parked.has(ordinal)) add(id, ordinal, true);
    else unused.push(id);
  }

  const addNew = (id: string): ConnectionState => {
    while (taken.has(next)) next += 1;
    if (next > maxOrdinal) throw new BridgeError('internal_error', { detail: 'the outbox has seen more than 65,536 connections since it was opened' });
    taken.add(next);
    return add(id, next, false);
  };

  return {
    find: (id) => byId.get(id),
    waiting: () => [...byId.values()].filter(({ messages }) => messages > 0).map(({ id }) => id),
    of: (id) => byId.get(id) ?? addNew(id),
    count(state, messages, bytes) {
      const counted = state as Counted;
      counted.messages += messages;
      counted.bytes += bytes;
      used.messages += messages;
      used.bytes += bytes;
    },
    countParked(state, messages) {
      (state as Counted).parked += messages;
      if (state.parked > 0) withParked.add(state);
      else withParked.delete(state);
    },
    used: () => used,
    withParked: () => [...withParked],
    oldestAcceptedAt(id, current) {
      const state = byId.get(id);
      if (state === undefined || state.messages === 0) return undefined;
      try {
        if (state.oldest === undefined && current !== undefined) state.oldest = readOldest(current, overlay, state);
      } catch {
        // Metrics ask; a store that cannot be read shows in `unwritable` and must not break them.
        return undefined;
      }
      return state.oldest?.acceptedAt;
    },
    hasUnused: unused.length > 0,
    removeUnused({ meta }) {
      for (const id of unused) void meta.remove(nameKey(id));
    },
  };
};
