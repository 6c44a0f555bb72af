import type { DeviceRecord, Devices } from '../../downlink/ports.js';
import type { Logger } from '../../log.js';
import { deviceKeyOf } from './keys.js';
import { heardScript } from './memory-scripts.js';
import type { RedisLink } from './redis-link.js';

export interface RedisDevices extends Devices {
  /** Writes what is still to be written, while Redis answers. Never throws. */
  flush(): Promise<void>;
}

export interface RedisDevicesOptions {
  readonly link: RedisLink;
  readonly tag: string;
  readonly logger: Logger;
  /** Most devices that are held in memory, of those written and of those to be written each. */
  readonly bound?: number;
}

/** How long a record is taken for what Redis holds; another replica may have written a newer one, ms. */
const freshMs = 60_000;
const writtenAtOnce = 200;

interface Known {
  readonly text: string;
  readonly at: number;
}

/** A map that forgets its oldest entry when it is full; setting an entry anew makes it the youngest. */
const setBounded = <T>(map: Map<string, T>, entry: readonly [string, T], bound: number): boolean => {
  map.delete(entry[0]);
  map.set(...entry);
  const oldest = map.size > bound ? map.keys().next() : undefined;
  return oldest?.done === false && map.delete(oldest.value);
};

const textOf = ({ deviceId, networkServerId, connectionIds, address }: DeviceRecord): string => JSON.stringify({ deviceId, networkServerId, connectionIds, address });
const recordOf = (text: string | undefined | null): DeviceRecord | undefined => (text === undefined || text === null ? undefined : (JSON.parse(text) as DeviceRecord));

export const createRedisDevices = ({ link, tag, logger, bound = 100_000 }: RedisDevicesOptions): RedisDevices => {
  const known = new Map<string, Known>();
  const pending = new Map<string, string>();
  let flushing: Promise<void> | undefined;
  let overflowed = false;

  const writeSome = async (): Promise<void> => {
    const records = [...pending].slice(0, writtenAtOnce);
    await link.call(heardScript, ...records.flatMap(([deviceId, text]) => [deviceKeyOf(deviceId), text]));
    for (const [deviceId, text] of records) {
      setBounded(known, [deviceId, { text, at: performance.now() }], bound);
      if (pending.get(deviceId) === text) pending.delete(deviceId);
    }
  };

  const writeAll = async (): Promise<void> => {
    try {
      while (pending.size > 0) await writeSome();
      overflowed = false;
    } catch {
      // They stay, and are written when Redis is back.
    }
  };

  const flush = (): Promise<void> => {
    flushing ??= Promise.resolve().then(writeAll).finally(() => { flushing = undefined; });
    return flushing;
  };

  const note = (record: DeviceRecord): void => {
    const text = textOf(record);
    const written = known.get(record.deviceId);
    if (pending.get(record.deviceId) === text) return;
    if (!pending.has(record.deviceId) && written?.text === text && performance.now() - written.at < freshMs) return;
    if (setBounded(pending, [record.deviceId, text], bound) && !overflowed) {
      overflowed = true;
      logger.warn('more devices were heard than can be held while redis is away; the oldest are noted again when they are heard again');
    }
    if (link.isUp()) void flush();
  };

  const find = async (deviceId: string): Promise<DeviceRecord | undefined> => {
    const unwritten = pending.get(deviceId);
    if (unwritten !== undefined) return recordOf(unwritten);
    try {
      const text = await link.run((client) => client.get(`${tag}:device:${deviceKeyOf(deviceId)}`));
      if (text !== null) setBounded(known, [deviceId, { text, at: performance.now() }], bound);
      return recordOf(text);
    } catch (error) {
      const remembered = recordOf(known.get(deviceId)?.text);
      if (remembered === undefined) throw error;
      return remembered;
    }
  };

  return { heard: note, find, flush };
};
