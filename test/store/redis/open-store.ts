import { Redis } from 'ioredis';
import type { Test } from 'tap';
import { createLogger } from '../../../src/log.js';
import { openRedisDownlinks, type RedisDownlinksOptions, type RedisTuning } from '../../../src/store/redis/redis-downlinks.js';
import type { DownlinkStoreUnderTest } from '../../contracts/downlink-store.js';
import { deadlineOf } from '../../contracts/downlink-store-samples.js';
import { startRedisServer, type RedisServer, type RedisServerOptions } from '../../support/redis-server.js';

/** A Redis for one test. */
export const redisFor = async (t: Test, options: RedisServerOptions = {}): Promise<RedisServer> => {
  const redis = await startRedisServer(options);
  t.teardown(() => redis.stop());
  return redis;
};

/** A store on a Redis, closed with the test. */
export const openStore = async (t: Test, url: string, changes: Partial<RedisDownlinksOptions> = {}, tuning: Partial<RedisTuning> = {}): Promise<DownlinkStoreUnderTest> => {
  const store = await openRedisDownlinks({ url, ratePerSecond: () => 1_000, reportWindowMs: 3_600_000, logger: createLogger('silent'), ...changes }, tuning);
  t.teardown(() => store.close(deadlineOf(5_000)));
  return store;
};

/** A client of the test's own, to look at Redis from outside. */
export const clientFor = (t: Test, url: string): Redis => {
  const client = new Redis(url);
  client.on('error', () => undefined);
  t.teardown(() => { client.disconnect(); });
  return client;
};

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly reason?: string;
  readonly detail?: string;
}

/** A logger whose lines the test can read. */
export const readableLogger = (): { readonly logger: ReturnType<typeof createLogger>; readonly lines: LogLine[]; readonly text: () => string } => {
  const lines: LogLine[] = [];
  const logger = createLogger('debug', { write: (line) => { lines.push(JSON.parse(line) as LogLine); } });
  return { logger, lines, text: () => JSON.stringify(lines) };
};
