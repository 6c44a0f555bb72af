import type { DeviceFilter, DeviceRecord, Devices, SeenDevice } from '../../downlink/ports.js';
import { setBounded } from '../../forget-oldest.js';
import type { Logger } from '../../log.js';
import { isSameDevice } from '../../same-device.js';
import { createGatheredActivity } from './device-activity.js';
import { findDeviceScript, heardScript, listDevicesScript } from './device-scripts.js';
import { deviceKeyOf } from './keys.js';
import type { RedisLink } from './redis-link.js';
import { createWriteBehind } from './write-behind.js';

export interface RedisDevices extends Devices {
  /** Writes what is still to be written, while Redis answers. Never throws. */
  flush(): Promise<void>;
  close(): void;
}

export interface RedisDevicesOptions {
  readonly link: RedisLink;
  readonly logger: Logger;
  /** Between two writes of what the devices' latest messages were, ms. */
  readonly activityMs: number;
  /** Most devices that are held in memory, of those written and of those to be written each. */
  readonly bound?: number;
}

/** How long a record is taken for what Redis holds; another replica may have written a newer one, ms. */
const freshMs = 60_000;
/** How many devices a script looks at in one step, for a filter that few of them pass; Redis does nothing else meanwhile. */
const lookedAtOnce = 500;

interface Known {
  readonly record: DeviceRecord;
  readonly at: number;
}

interface Listed {
  readonly key: string;
  readonly device: SeenDevice;
}

const textOf = ({ deviceId, networkServerId, connectionIds, address }: DeviceRecord): string => JSON.stringify({ deviceId, networkServerId, connectionIds, address });

const recordOf = (text: string): DeviceRecord => JSON.parse(text) as DeviceRecord;

/** With memory of its own: a text cut out of a body keeps the whole body in memory. */
const ownOf = (record: DeviceRecord): DeviceRecord => recordOf(textOf(record));

export const createRedisDevices = ({ link, logger, activityMs, bound = 100_000 }: RedisDevicesOptions): RedisDevices => {
  const known = new Map<string, Known>();
  const remember = (record: DeviceRecord): void => void setBounded(known, [record.deviceId, { record, at: performance.now() }], bound);

  const pending = createWriteBehind<DeviceRecord>({
    link,
    bound,
    logger,
    overflow: 'more devices were heard than can be held while redis is away; the oldest are noted again when they are heard again',
    async write(records) {
      await link.call(heardScript, ...records.flatMap(([deviceId, record]) => [deviceKeyOf(deviceId), textOf(record)]));
      for (const [, record] of records) remember(record);
    },
  });
  const activity = createGatheredActivity({ link, periodMs: activityMs, bound });

  const note = (record: DeviceRecord): void => {
    const unwritten = pending.get(record.deviceId);
    if (isSameDevice(record, unwritten)) return;
    const written = known.get(record.deviceId);
    if (unwritten === undefined && written !== undefined && isSameDevice(record, written.record) && performance.now() - written.at < freshMs) return;
    const own = ownOf(record);
    pending.put(own.deviceId, own);
  };

  const seen = (record: DeviceRecord, active: string | null): SeenDevice => ({ ...record, ...activity.latest(record.deviceId, active) });

  const find = async (deviceId: string): Promise<SeenDevice | undefined> => {
    try {
      const [text, active] = (await link.call(findDeviceScript, deviceKeyOf(deviceId))) as [string | null, string | null];
      const stored = text === null ? undefined : recordOf(text);
      if (stored !== undefined) remember(stored);
      const latest = pending.get(deviceId) ?? stored;
      return latest && seen(latest, active);
    } catch (error) {
      const remembered = pending.get(deviceId) ?? known.get(deviceId)?.record;
      if (remembered === undefined) throw error;
      return seen(remembered, null);
    }
  };

  /** The next ones that the filter means, and where to go on. */
  const some = async (after: string, wanted: number, { networkServerId = '', connectionId = '' }: DeviceFilter): Promise<{ readonly found: Listed[]; readonly next: string }> => {
    const [next = '', ...parts] = (await link.call(listDevicesScript, after, wanted, lookedAtOnce, networkServerId, connectionId)) as string[];
    const found: Listed[] = [];
    for (let at = 0; at < parts.length; at += 3) found.push({ key: parts[at] ?? '', device: seen(recordOf(parts[at + 1] ?? ''), parts[at + 2] ?? '') });
    return { found, next };
  };

  const list: Devices['list'] = async (filter, { after = '', limit }) => {
    await pending.flush();
    const all: Listed[] = [];
    // One more than asked for tells whether this is the last page.
    for (let cursor: string | undefined = after; cursor !== undefined && all.length <= limit;) {
      const { found, next } = await some(cursor, limit + 1 - all.length, filter);
      all.push(...found);
      cursor = next === '' ? undefined : next;
    }
    const devices = all.slice(0, limit).map(({ device }) => device);
    const last = all.length > limit ? all[limit - 1] : undefined;
    return last === undefined ? { devices } : { devices, next: last.key };
  };

  return {
    heard(record, latest) {
      note(record);
      if (latest !== undefined) activity.note(record.deviceId, latest);
    },
    find,
    list,
    async flush() {
      await pending.flush();
      await activity.flush();
    },
    close: () => activity.close(),
  };
};
