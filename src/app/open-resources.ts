import type { EventLog, ResourceStore, TokenStore } from '../api/ports.js';
import type { BridgeConfig } from '../config/schema.js';
import type { Logger } from '../log.js';
import { openLocalResources } from '../store/local/resources/local-resources.js';
import { openSnapshotCopy } from '../store/local/snapshot-copy.js';
import { openTokenFile } from '../store/local/tokens.js';
import { keyPrefix, redisSettings } from './redis-settings.js';
import { withCopy } from './resource-copy.js';

/** Where what the API makes is kept: Redis where one is configured, else the data directory. */
export interface ResourceStores {
  readonly resources: ResourceStore;
  readonly events: EventLog;
  readonly tokens: TokenStore;
}

/** @throws BridgeError redis_unsafe, store_corrupt, store_unavailable */
export const openResourceStores = async ({ redis, dataDir }: Pick<BridgeConfig, 'redis' | 'dataDir'>, logger: Logger): Promise<ResourceStores> => {
  if (redis !== undefined) {
    const { openRedisResources } = await import('../store/redis/redis-resources.js');
    const shared = await openRedisResources({ ...redisSettings(redis), keyPrefix, logger });
    return { ...shared, resources: withCopy(shared.resources, openSnapshotCopy({ dataDir }), logger) };
  }
  return { ...(await openLocalResources({ dataDir, logger })), tokens: openTokenFile({ dataDir }) };
};

export const closeResourceStores = async ({ resources, events, tokens }: ResourceStores): Promise<void> => {
  await events.close();
  await tokens.close();
  await resources.close();
};
