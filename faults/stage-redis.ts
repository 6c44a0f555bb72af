import { primaryName, startSentinelGroup, type SentinelGroup } from '../test/support/redis-sentinel.js';
import { startRedisServer, type RedisServer } from '../test/support/redis-server.js';
import { openProxy, type Proxy } from './proxy.js';
import type { OnClose, StageRedisOptions } from './stage-options.js';

/** The Redis of a stage. */
export interface StageRedis {
  readonly server: RedisServer;
  readonly proxy?: Proxy;
  readonly sentinels?: SentinelGroup;
  /** Where the bridges look for it: `redis` of their files. */
  readonly section: object;
}

const openBehindSentinels = async (options: StageRedisOptions, onClose: OnClose): Promise<StageRedis> => {
  const sentinels = await startSentinelGroup(options);
  onClose(() => sentinels.stop());
  const addresses = sentinels.sentinels.map(({ host, port }) => `${host}:${port}`);
  return { server: sentinels.servers[0], sentinels, section: { url: `redis://${primaryName}`, sentinel: { addresses } } };
};

export const openStageRedis = async ({ proxied = false, sentinel = false, ...options }: StageRedisOptions, onClose: OnClose): Promise<StageRedis> => {
  if (sentinel) return openBehindSentinels(options, onClose);
  const server = await startRedisServer(options);
  onClose(() => server.stop());
  if (!proxied) return { server, section: { url: server.url } };
  const proxy = await openProxy(server.port);
  onClose(() => proxy.close());
  return { server, proxy, section: { url: server.url.replace(new RegExp(`:${server.port}$`), `:${proxy.port}`) } };
};
