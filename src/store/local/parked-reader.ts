import type { ParkedFilter, ParkedMessages, ParkedRecord } from '../../uplink/ports.js';
import type { ConnectionState, Connections } from './connections.js';
import type { Environment, Table } from './environment.js';
import { readStore } from './open-store.js';
import { isSeq, recordKey, recordRange, seqOf } from './outbox-keys.js';
import { damageOf, decodeParked, parkedFieldsOf } from './record-encoding.js';

interface Place {
  readonly state: ConnectionState;
  readonly seq: number;
}

/** Reads parked messages; damaged ones are left out, and the check at the next start finds them. */
export const createParkedReader = (environment: Environment, connections: Connections): Pick<ParkedMessages, 'parked' | 'parkedAt'> => {
  const reading = async (read: (parked: Table) => ParkedRecord[]): Promise<ParkedRecord[]> => readStore(environment, 'outbox', ({ parked }) => read(parked));

  const decode = (parked: Table, { state, seq }: Place): ParkedRecord | undefined => {
    const value = parked.getBinary(recordKey(state.ordinal, seq));
    return value === undefined || damageOf(value) !== undefined ? undefined : decodeParked(state.id, seq, value);
  };

  const matches = (value: Buffer, wanted: ParkedFilter): boolean => {
    if (damageOf(value) !== undefined) return false;
    const fields = parkedFieldsOf(value);
    return (['networkServerId', 'deviceId', 'reason'] as const).every((name) => wanted[name] === undefined || wanted[name] === fields[name]);
  };

  /** The first places of one connection that fit. Only positions are gathered: of many connections each may have a whole page. */
  const placesOf = (parked: Table, state: ConnectionState, filter: ParkedFilter, { after, limit }: { readonly after: number; readonly limit: number }): Place[] => {
    const range = recordRange(state.ordinal, after);
    const { networkServerId, deviceId, reason } = filter;
    if (networkServerId === undefined && deviceId === undefined && reason === undefined) return [...parked.getKeys({ ...range, limit })].map((key) => ({ state, seq: seqOf(key) }));
    const places: Place[] = [];
    for (const { key, value } of parked.getRange(range)) {
      if (matches(value, filter)) places.push({ state, seq: seqOf(key) });
      if (places.length >= limit) break;
    }
    return places;
  };

  return {
    async parked(filter, page) {
      if (page.limit <= 0) return [];
      const states = connections.withParked().filter(({ id }) => filter.connectionId === undefined || id === filter.connectionId);
      return reading((parked) => {
        const places = states.flatMap((state) => placesOf(parked, state, filter, page)).sort((one, other) => one.seq - other.seq);
        return places.slice(0, page.limit).flatMap((place) => decode(parked, place) ?? []);
      });
    },
    async parkedAt(seqs) {
      const states = connections.withParked();
      const find = (parked: Table, seq: number): ParkedRecord | undefined => {
        const state = states.find(({ ordinal }) => parked.doesExist(recordKey(ordinal, seq)));
        return state === undefined ? undefined : decode(parked, { state, seq });
      };
      return reading((parked) => seqs.filter(isSeq).flatMap((seq) => find(parked, seq) ?? []));
    },
  };
};
