import type { Test } from 'tap';
import { createLogger } from '../../../src/log.js';
import { openRedisResources, type RedisResources, type RedisResourcesOptions, type ResourcesTuning } from '../../../src/store/redis/redis-resources.js';

/** Resources, events and tokens on a Redis, closed with the test. */
export const openResources = async (t: Test, url: string, changes: Partial<RedisResourcesOptions> = {}, tuning: Partial<ResourcesTuning> = {}): Promise<RedisResources> => {
  const opened = await openRedisResources({ url, logger: createLogger('silent'), ...changes }, tuning);
  t.teardown(() => opened.close());
  return opened;
};
