import { Cluster, Command, Redis, type RedisOptions } from 'ioredis';
import { backoffMs } from '../../backoff.js';
import { leaveFormerPrimary } from './failovers.js';

/** Options of one client; how replies are mapped stays the default. */
export type ClientOptions = Omit<RedisOptions, 'replyMapping'>;

/** Both run the same commands. */
export type RedisClient = Redis | Cluster;

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** How the Sentinels are reached; they have users and certificates of their own. */
export interface SentinelReach {
  readonly addresses: readonly HostPort[];
  readonly username?: string;
  readonly password?: string;
  readonly tls: boolean;
}

export interface SentinelTarget extends SentinelReach {
  /** Name of the primary among those that the Sentinels watch. */
  readonly primary: string;
  readonly trust: { readonly ca?: string | Buffer };
}

/** A Sentinel that does not answer for so long is left for the next one, ms. */
const sentinelTimeoutMs = 1_500;

export const connectRedis = ({ host, port }: HostPort, options: ClientOptions): Redis => new Redis({ ...options, host, port });

/** Pause before a client that was ended by a failover is connected anew, ms. */
const againMs = 500;

/** A failover in the middle of a connect ends a client for good, as if somebody had asked for it; only who did may end it. `ended` follows then. */
const untilDisconnected = (client: Redis, ended: () => void): Redis => {
  const disconnect = client.disconnect.bind(client);
  let wanted = false;
  client.disconnect = (reconnect = false) => {
    wanted ||= !reconnect;
    disconnect(reconnect);
    if (wanted) ended();
  };
  client.on('end', () => {
    setTimeout(() => {
      if (!wanted && client.status === 'end') void client.connect().catch(() => undefined);
    }, againMs).unref();
  });
  return client;
};

const sentinelRetryMs = (times: number): number => Math.round(backoffMs({ minMs: 100, maxMs: 1_000 }, times));

/** One for each Sentinel, to listen to. */
const sentinelClients = ({ addresses, username, password, tls, trust }: SentinelTarget): Redis[] =>
  addresses.map((address) => connectRedis(address, {
    protocol: 2,
    disableClientInfo: true,
    connectTimeout: 3_000,
    enableReadyCheck: false,
    autoResubscribe: false,
    maxRetriesPerRequest: null,
    retryStrategy: sentinelRetryMs,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: trust } : {}),
  }));

/** Asks the Sentinels for the primary at each connect; a server that says it is none is not taken. With `failoverDetector` it is left once they name another. */
export const connectSentinel = (target: SentinelTarget, { failoverDetector = false, ...options }: ClientOptions): Redis => {
  const { addresses, username, password, tls, primary, trust } = target;
  const client = new Redis({
    ...options,
    sentinels: addresses.map(({ host, port }) => ({ host, port })),
    name: primary,
    role: 'master',
    ...(username === undefined ? {} : { sentinelUsername: username }),
    ...(password === undefined ? {} : { sentinelPassword: password }),
    ...(tls ? { sentinelTLS: trust } : {}),
    enableTLSForSentinelMode: options.tls !== undefined,
    sentinelCommandTimeout: sentinelTimeoutMs,
    sentinelRetryStrategy: sentinelRetryMs,
    // Only those that are configured: what Sentinels tell of each other is often an address inside of their own network.
    updateSentinels: false,
  });
  return untilDisconnected(client, failoverDetector ? leaveFormerPrimary(client, primary, sentinelClients(target)) : () => undefined);
};

/**
 * Without an offline queue, what cannot be sent now fails, as with a single server. The layout is asked for again when a node sends us elsewhere, not from time to time:
 * a cluster that is disconnected in the middle of that would ask for ever.
 */
export const connectCluster = (nodes: readonly HostPort[], { retryStrategy: _alone, ...options }: ClientOptions): Cluster =>
  new Cluster(
    nodes.map(({ host, port }) => ({ host, port })),
    {
      redisOptions: options,
      clusterRetryStrategy: (times) => backoffMs({ minMs: 100, maxMs: 1_000 }, times),
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
