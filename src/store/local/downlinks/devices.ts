import type { DeviceRecord, Devices, SeenDevice } from '../../../downlink/ports.js';
import type { Environment } from '../environment.js';
import type { Activities } from './activity.js';
import { hashKey } from '../keys.js';
import { decodeValue, encodeValue } from '../json-value.js';
import { reading, type DownlinkTables, type Writer } from './downlink-tables.js';
import { createDeviceList } from './device-list.js';
import { createGathered } from './gathered.js';
import { createRecentMap } from '../../../recent-map.js';
import { isSameDevice } from '../../../same-device.js';

export interface LocalDevices extends Devices {
  /** Writes what is not written yet. */
  readonly flush: () => void;
}

export interface DevicesParts {
  readonly environment: Environment<DownlinkTables>;
  readonly writer: Writer;
  readonly activities: Activities;
  readonly now: () => number;
}

/** Devices remembered in memory, and most changes that wait for the disk. */
const mostInMemory = 50_000;

export const createDevices = ({ environment, writer, activities, now }: DevicesParts): LocalDevices => {
  const recent = createRecentMap<DeviceRecord>(mostInMemory);

  const storedIn = (tables: DownlinkTables, deviceId: string): DeviceRecord | undefined => {
    const record = decodeValue<DeviceRecord>(tables.devices.getBinary(hashKey(deviceId)));
    return record?.deviceId === deviceId ? record : undefined;
  };

  const pending = createGathered<DeviceRecord>({
    writer,
    afterMs: 0,
    most: mostInMemory,
    // A device that is forgotten here is written when it is heard again.
    dropped: (deviceId) => { recent.delete(deviceId); },
    plan(tables, records) {
      const changed = records.filter((record) => !isSameDevice(record, storedIn(tables, record.deviceId)));
      if (changed.length === 0) return undefined;
      return ({ devices }) => { for (const record of changed) void devices.put(hashKey(record.deviceId), encodeValue(now(), record)); };
    },
  });

  const recordOf = (tables: DownlinkTables, deviceId: string): DeviceRecord | undefined => {
    const known = pending.get(deviceId) ?? recent.get(deviceId);
    if (known !== undefined) return known;
    const record = storedIn(tables, deviceId);
    if (record !== undefined) recent.set(deviceId, record);
    return record;
  };

  return {
    heard(record, activity) {
      const { deviceId } = record;
      if (activity !== undefined) activities.note(deviceId, activity);
      if (isSameDevice(record, recent.get(deviceId))) return;
      recent.set(deviceId, record);
      pending.set(deviceId, record);
    },
    find: async (deviceId): Promise<SeenDevice | undefined> =>
      reading(environment, (tables) => {
        const record = recordOf(tables, deviceId);
        return record === undefined ? undefined : { ...record, ...activities.of(tables, deviceId) };
      }),
    list: createDeviceList(environment, (tables, record) => ({ ...(pending.get(record.deviceId) ?? record), ...activities.of(tables, record.deviceId) })),
    flush: pending.flush,
  };
};
