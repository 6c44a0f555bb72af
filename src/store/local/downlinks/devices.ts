import type { DeviceRecord, Devices, SeenDevice } from '../../../downlink/ports.js';
import type { Environment } from '../environment.js';
import type { Activities } from './activity.js';
import { hashKey } from '../keys.js';
import { decodeValue, encodeValue } from '../json-value.js';
import { reading, type DownlinkTables, type Writer } from './downlink-tables.js';
import { createDeviceList } from './device-list.js';
import { createGathered } from './gathered.js';
import { createKnownRecords } from './known-records.js';
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

/** Records that wait for the disk. */
const mostPending = 50_000;
/** Records that need not be read to see that they have not changed. */
const mostKnown = 1_000_000;

export const createDevices = ({ environment, writer, activities, now }: DevicesParts): LocalDevices => {
  const known = createKnownRecords(mostKnown);

  const storedIn = (tables: DownlinkTables, deviceId: string): DeviceRecord | undefined => {
    const record = decodeValue<DeviceRecord>(tables.devices.getBinary(hashKey(deviceId)));
    return record?.deviceId === deviceId ? record : undefined;
  };

  /** One that is dropped here is not known either: it is written when the device is heard again. */
  const pending = createGathered<DeviceRecord>({
    writer,
    afterMs: 0,
    most: mostPending,
    written: (record) => { known.add(record); },
    plan(tables, records) {
      const changed = records.filter((record) => !isSameDevice(record, storedIn(tables, record.deviceId)));
      if (changed.length === 0) return undefined;
      return ({ devices }) => { for (const record of changed) void devices.put(hashKey(record.deviceId), encodeValue(now(), record)); };
    },
  });

  return {
    heard(record, activity) {
      const { deviceId } = record;
      if (activity !== undefined) activities.note(deviceId, activity);
      if (known.has(record) || isSameDevice(record, pending.get(deviceId))) return;
      known.delete(deviceId);
      pending.set(deviceId, record);
    },
    find: async (deviceId): Promise<SeenDevice | undefined> =>
      reading(environment, (tables) => {
        const record = pending.get(deviceId) ?? storedIn(tables, deviceId);
        return record === undefined ? undefined : { ...record, ...activities.of(tables, deviceId) };
      }),
    list: createDeviceList(environment, (tables, record) => ({ ...(pending.get(record.deviceId) ?? record), ...activities.of(tables, record.deviceId) })),
    flush: pending.flush,
  };
};
