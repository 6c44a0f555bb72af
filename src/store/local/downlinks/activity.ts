import type { DeviceActivity } from '../../../downlink/ports.js';
import { hashKey } from '../keys.js';
import { decodeValue, encodeValue, timeOf } from '../json-value.js';
import type { DownlinkTables, Writer } from './downlink-tables.js';
import { createGathered } from './gathered.js';

/** The latest message of each device, in a table of its own: it changes all the time, and records of devices hardly ever. */
export interface Activities {
  /** An older one than what is known changes nothing. */
  note(deviceId: string, activity: DeviceActivity): void;
  of(tables: DownlinkTables, deviceId: string): DeviceActivity | undefined;
  readonly flush: () => void;
}

interface Seen {
  readonly deviceId: string;
  readonly activity: DeviceActivity;
}

/** Devices whose activity is gathered; of more, the oldest are left out until they are heard again. */
const mostGathered = 200_000;
/** Pause between two transactions, so that a round of many devices leaves room for everything else, ms. */
const pauseMs = 25;

const storedIn = ({ activity }: DownlinkTables, key: Buffer): DeviceActivity | undefined => {
  const value = activity.getBinary(key);
  const content = decodeValue<Omit<DeviceActivity, 'lastSeenAt'>>(value);
  return value === undefined || content === undefined ? undefined : { lastSeenAt: timeOf(value), ...content };
};

/** @param everyMs Least time between two writes of one device. */
export const createActivities = (writer: Writer, everyMs: number): Activities => {
  const gathered = createGathered<Seen>({
    writer,
    afterMs: everyMs,
    pauseMs,
    most: mostGathered,
    plan(tables, seen) {
      const later = seen
        .map(({ deviceId, activity: { lastSeenAt, ...content } }) => ({ key: hashKey(deviceId), lastSeenAt, content }))
        .filter(({ key, lastSeenAt }) => (storedIn(tables, key)?.lastSeenAt ?? -Infinity) <= lastSeenAt);
      if (later.length === 0) return undefined;
      return ({ activity }) => { for (const { key, lastSeenAt, content } of later) void activity.put(key, encodeValue(lastSeenAt, content)); };
    },
  });
  return {
    note(deviceId, activity) {
      const before = gathered.get(deviceId)?.activity;
      if (before === undefined || before.lastSeenAt <= activity.lastSeenAt) gathered.set(deviceId, { deviceId, activity });
    },
    of(tables, deviceId) {
      const latest = gathered.get(deviceId)?.activity;
      const stored = storedIn(tables, hashKey(deviceId));
      return latest !== undefined && latest.lastSeenAt >= (stored?.lastSeenAt ?? -Infinity) ? latest : stored;
    },
    flush: gathered.flush,
  };
};
