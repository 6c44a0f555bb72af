import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { keyPrefix } from '../src/app/redis-settings.js';
import type { DeviceRecord } from '../src/downlink/ports.js';
import { deadlineIn } from '../src/lifecycle.js';
import { createLogger } from '../src/log.js';
import { checkStoreOf } from '../src/store/local/check-store.js';
import { downlinkStoreKind } from '../src/store/local/downlinks/downlink-store-kind.js';
import { openDownlinkTables } from '../src/store/local/downlinks/downlink-tables.js';
import { encodeValue } from '../src/store/local/json-value.js';
import { hashKey } from '../src/store/local/keys.js';
import { openRedisDownlinks } from '../src/store/redis/redis-downlinks.js';
import { deviceIdOf } from './bodies.js';
import { sharesOf, type BridgeOptions } from './bridge-config.js';

/** How long the writes that are left may take, ms. */
const closeMs = 10_000;

/** Devices of one transaction, or of one turn to Redis. */
const atOnce = 20_000;

/** What the bridge keeps of a device that it heard through ChirpStack 4. */
function* recordsOf(options: BridgeOptions, count: number): Generator<DeviceRecord[]> {
  const shares = sharesOf(options);
  const connectionOf = (device: number): string => shares.find(({ to }) => device < to)?.id ?? '';
  for (let from = 0; from < count; from += atOnce) {
    yield Array.from({ length: Math.min(atOnce, count - from) }, (_, index) => ({
      deviceId: deviceIdOf('chirpstack', from + index), networkServerId: 'chirpstack', connectionIds: [connectionOf(from + index)], address: { api: 'v4' },
    }));
  }
}

const writeToDisk = async (dataDir: string, chunks: Iterable<readonly DeviceRecord[]>): Promise<void> => {
  const path = join(dataDir, 'downlinks');
  await mkdir(dataDir, { recursive: true });
  await checkStoreOf(path, downlinkStoreKind);
  const { root, tables } = openDownlinkTables(path);
  for (const records of chunks) {
    await root.batch(() => {
      for (const record of records) void tables.devices.put(hashKey(record.deviceId), encodeValue(Date.now(), record));
    });
  }
  await root.close();
};

/** A list is read only after all that was heard before it is written. */
const writeToRedis = async (url: string, chunks: Iterable<readonly DeviceRecord[]>): Promise<void> => {
  const store = await openRedisDownlinks({ url, keyPrefix, ratePerSecond: () => 100, reportWindowMs: 60_000, logger: createLogger('warn') });
  for (const records of chunks) {
    for (const record of records) store.devices.heard(record);
    await store.devices.list({}, { limit: 1 });
  }
  await store.close(deadlineIn(closeMs));
};

/** Fills the bridge's memory of devices before it starts. */
export const rememberDevices = async (options: BridgeOptions, dataDir: string): Promise<void> => {
  const { devicesKnown = 0, redisUrl } = options;
  if (devicesKnown === 0) return;
  const chunks = recordsOf(options, devicesKnown);
  await (redisUrl === undefined ? writeToDisk(dataDir, chunks) : writeToRedis(redisUrl, chunks));
};
