import { Cluster, Command, Redis, type RedisOptions } from 'ioredis';
import { backoffMs } from '../../backoff.js';

/** Options of one client; how replies are mapped stays the default. */
export type ClientOptions = Omit<RedisOptions, 'replyMapping'>;

/** Both run the same commands. */
export type RedisClient = Redis | Cluster;

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Pause before a connection is tried again, ms. */
export const reconnectMs = (times: number): number => Math.round(backoffMs({ minMs: 100, maxMs: 1_000 }, times));

export const connectRedis = ({ host, port }: HostPort, options: ClientOptions): Redis => new Redis({ ...options, host, port });

/**
 * Without an offline queue, what cannot be sent now fails, as with a single server. The layout is asked for again when a node sends us elsewhere, not from time to time:
 * a cluster that is disconnected in the middle of that would ask for ever.
 */
export const connectCluster = (nodes: readonly HostPort[], { retryStrategy: _alone, ...options }: ClientOptions): Cluster =>
  new Cluster(
    nodes.map(({ host, port }) => ({ host, port })),
    {
      redisOptions: options,
      clusterRetryStrategy: reconnectMs,
      slotsRefreshTimeout: options.commandTimeout ?? 3_000,
      // The certificate is made out to the name, so the name must reach TLS.
      dnsLookup: (address, callback) => callback(null, address),
      ...(options.enableOfflineQueue === false ? { enableOfflineQueue: false, retryDelayOnFailover: 0, retryDelayOnClusterDown: 0 } : {}),
    },
  );

/** The server that has the key now. @throws Error when no node of the cluster has it */
export const ownerOf = (client: RedisClient, key: string): Redis => {
  if (client instanceof Redis) return client;
  const name = client.slots[new Command('get', [key]).getSlot()]?.[0];
  const owner = client.nodes('master').find(({ options: { host, port } }) => `${host}:${port}` === name);
  if (owner === undefined) throw new Error('no node of the cluster has the keys of this bridge');
  return owner;
};

/** Tells what is wrong with the way to Redis, whichever part of it says so. */
export const onTrouble = (client: RedisClient, told: (error: unknown) => void): void => {
  let ofSentinels: unknown;
  client.on('error', (error: unknown) => {
    // When no Sentinel names a primary the last one of them told why.
    const isOfAll = error instanceof Error && error.message.startsWith('All sentinels');
    told(isOfAll ? (ofSentinels ?? error) : error);
  });
  client.on('sentinelError', (error: unknown) => { ofSentinels = error; });
  client.on('node error', told);
};
