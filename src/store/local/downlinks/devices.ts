import type { DeviceRecord, Devices } from '../../../downlink/ports.js';
import type { Environment } from '../environment.js';
import { hashKey } from './downlink-keys.js';
import { decodeValue, encodeValue } from './downlink-records.js';
import { reading, type DownlinkTables } from './downlink-tables.js';
import { createRecentMap } from './recent-map.js';
import type { Writer } from './writer.js';

export interface LocalDevices extends Devices {
  /** To be called about once a second: tries again what could not be written. */
  tick(): void;
}

export interface DevicesParts {
  readonly environment: Environment<DownlinkTables>;
  readonly writer: Writer;
  readonly now: () => number;
}

/** Devices remembered in memory, and most changes that wait for the disk. */
const mostInMemory = 50_000;
/** Changes compared and written in one transaction. */
const stepSize = 500;

const sameTexts = (one: readonly string[], other: readonly string[]): boolean => one.length === other.length && one.every((text, index) => text === other[index]);

const sameAddress = (one: DeviceRecord['address'], other: DeviceRecord['address']): boolean => {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
};

/** Runs for every uplink, so it compares without making anything. */
const isSame = (one: DeviceRecord, other: DeviceRecord | undefined): boolean =>
  other !== undefined &&
  (one === other || (one.networkServerId === other.networkServerId && sameTexts(one.connectionIds, other.connectionIds) && sameAddress(one.address, other.address)));

export const createDevices = ({ environment, writer, now }: DevicesParts): LocalDevices => {
  const recent = createRecentMap<DeviceRecord>(mostInMemory);
  const pending = new Map<string, DeviceRecord>();
  let writing = false;

  const storedIn = (tables: DownlinkTables, deviceId: string): DeviceRecord | undefined => {
    const record = decodeValue<DeviceRecord>(tables.devices.getBinary(hashKey(deviceId)));
    return record?.deviceId === deviceId ? record : undefined;
  };

  const writePending = (): void => {
    if (writing || pending.size === 0) return;
    writing = true;
    let step: DeviceRecord[] = [];
    let changed: DeviceRecord[] = [];
    const written = writer.commit({
      kind: 'upkeep',
      prepare(tables) {
        step = [...pending.values()].slice(0, stepSize);
        changed = step.filter((record) => !isSame(record, storedIn(tables, record.deviceId)));
        return changed.length > 0;
      },
      write({ devices }) {
        for (const record of changed) void devices.put(hashKey(record.deviceId), encodeValue(now(), record));
      },
      done() {
        writing = false;
        for (const record of step) if (pending.get(record.deviceId) === record) pending.delete(record.deviceId);
        writePending();
      },
      failed() { writing = false; },
    });
    // What could not be written stays pending until the next tick; the writer has logged it.
    written.catch(() => undefined);
  };

  /** A device that is forgotten here is written when it is heard again. */
  const boundPending = (): void => {
    const [oldest] = pending.size > mostInMemory ? pending.keys() : [];
    if (oldest === undefined) return;
    pending.delete(oldest);
    recent.delete(oldest);
  };

  return {
    heard(record) {
      const { deviceId } = record;
      if (isSame(record, recent.get(deviceId))) return;
      recent.set(deviceId, record);
      pending.delete(deviceId);
      pending.set(deviceId, record);
      boundPending();
      writePending();
    },
    async find(deviceId) {
      const known = pending.get(deviceId) ?? recent.get(deviceId);
      if (known !== undefined) return known;
      const record = reading(environment, (tables) => storedIn(tables, deviceId));
      if (record !== undefined) recent.set(deviceId, record);
      return record;
    },
    tick: writePending,
  };
};
