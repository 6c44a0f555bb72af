import type { ThingMemory, ThingRecord } from '../../../uplink/ports.js';
import type { Environment } from '../environment.js';
import { hashKey, prefixRange } from '../keys.js';
import { decodeValue, encodeValue, timeOf } from '../json-value.js';
import { reading, type DownlinkTables, type Writer } from './downlink-tables.js';
import { createGathered } from './gathered.js';
import type { Sweep } from './sweeper.js';
import { createGenerations } from './thing-generations.js';

export interface LocalThings extends ThingMemory {
  readonly sweep: Sweep;
  readonly flush: () => void;
}

interface Noted {
  readonly key: Buffer;
  readonly generation: number;
  readonly record: ThingRecord;
}

const gatherMs = 200;
const mostGathered = 200_000;

/**
 * Keys are the device, then the connection. In the place of a time a value has the generation of its connection when it was put: forgetting a
 * connection begins a new generation, and the sweep takes out what is of an older one.
 */
export const createThings = (environment: Environment<DownlinkTables>, writer: Writer): LocalThings => {
  const generations = createGenerations(environment, writer);
  const connectionPart = (key: Buffer): Buffer => key.subarray(key.length / 2);
  const keyOf = (connectionId: string, deviceId: string): Buffer => Buffer.concat([hashKey(deviceId), hashKey(connectionId)]);
  const isOver = (key: Buffer, generation: number): boolean => generation < generations.of(connectionPart(key));

  const gathered = createGathered<Noted>({
    writer,
    afterMs: gatherMs,
    most: mostGathered,
    plan: (_, noted) => ({ things }) => { for (const { key, generation, record } of noted) void things.put(key, encodeValue(generation, record)); },
  });

  const recordOf = (key: Buffer, value: Buffer | undefined): ThingRecord | undefined => {
    const noted = gathered.get(key.toString('hex'));
    if (noted !== undefined) return isOver(key, noted.generation) ? undefined : noted.record;
    return value === undefined || isOver(key, timeOf(value)) ? undefined : decodeValue<ThingRecord>(value);
  };

  /** Things of a device of which nothing is stored yet. */
  const onlyGathered = (device: Buffer, stored: ReadonlySet<string>): ThingRecord[] => {
    const records: ThingRecord[] = [];
    for (const connection of generations.connections()) {
      const key = Buffer.concat([device, connection]);
      const record = stored.has(key.toString('hex')) ? undefined : recordOf(key, undefined);
      if (record !== undefined) records.push(record);
    }
    return records;
  };

  return {
    find: async (connectionId, deviceId) => {
      const key = keyOf(connectionId, deviceId);
      return reading(environment, ({ things }) => recordOf(key, things.getBinary(key)));
    },
    put(record) {
      const key = keyOf(record.connectionId, record.deviceId);
      gathered.set(key.toString('hex'), { key, generation: generations.of(connectionPart(key)), record });
      generations.used(connectionPart(key));
    },
    of: async (deviceId) => {
      const device = hashKey(deviceId);
      const stored = reading(environment, ({ things }) => [...things.getRange(prefixRange(device))].map(({ key, value }) => ({ key, value })));
      const records = stored.flatMap(({ key, value }) => recordOf(key, value) ?? []);
      return [...records, ...onlyGathered(device, new Set(stored.map(({ key }) => key.toString('hex'))))];
    },
    async forget(connectionId) {
      const connection = hashKey(connectionId);
      const written = generations.begin(connection);
      gathered.drop(({ key, generation }) => isOver(key, generation));
      await written;
    },
    sweep: { table: 'things', isOver: (key, value) => isOver(key, timeOf(value)), isWriting: (key) => gathered.has(key.toString('hex')) },
    flush: gathered.flush,
  };
};
