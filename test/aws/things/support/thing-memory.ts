import type { ThingMemory, ThingRecord } from '../../../../src/uplink/ports.js';
import { BridgeError } from '../../../../src/errors.js';

/** A memory of things that outlives a registrar, as a store outlives the process. */
export interface TestThingMemory extends ThingMemory {
  readonly records: Map<string, ThingRecord>;
  /** How often it was asked. */
  finds: number;
  /** While true it cannot be read. */
  away: boolean;
  get(deviceId: string): ThingRecord | undefined;
}

export const createTestMemory = (): TestThingMemory => {
  const records = new Map<string, ThingRecord>();
  const keyOf = (connectionId: string, deviceId: string): string => `${connectionId}/${deviceId}`;
  return {
    records,
    finds: 0,
    away: false,
    get: (deviceId) => records.get(keyOf('main', deviceId)),
    async find(connectionId, deviceId) {
      this.finds += 1;
      if (this.away) throw new BridgeError('store_unavailable');
      return records.get(keyOf(connectionId, deviceId));
    },
    put: (record) => void records.set(keyOf(record.connectionId, record.deviceId), record),
    of: async (deviceId) => [...records.values()].filter((record) => record.deviceId === deviceId),
    async forget(connectionId) {
      for (const [key, record] of records) if (record.connectionId === connectionId) records.delete(key);
    },
  };
};
