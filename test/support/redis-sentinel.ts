import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { ClientOptions } from '../../src/store/redis/redis-client.js';
import { freePort } from './free-port.js';
import { endRedis, launchRedis, startRedisServer, type RedisServer, type RedisServerOptions } from './redis-server.js';
import { until } from './until.js';

/** A primary, its replica, and three Sentinels that watch them, all on loopback. */
export interface SentinelGroup {
  /** The first primary, then its replica. */
  readonly servers: readonly [RedisServer, RedisServer];
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  /** The one that the Sentinels name now. */
  primary(): Promise<RedisServer>;
  /** Waits until the Sentinels name another one than this. */
  untilMoved(from: RedisServer): Promise<void>;
  /** Asks a Sentinel to make the replica the primary. */
  failover(): Promise<void>;
  stop(): Promise<void>;
}

export interface SentinelGroupOptions extends RedisServerOptions {
  /** Of the Sentinels themselves. */
  readonly sentinelSettings?: readonly string[];
  /** Lines that let Sentinels in at the servers, such as `sentinel auth-pass mymaster secret`. */
  readonly watchSettings?: readonly string[];
  /** How a test reaches the Sentinels. */
  readonly sentinelClient?: ClientOptions;
}

export const primaryName = 'mymaster';

/** A Sentinel writes its own file, so it has a folder of its own. */
const startSentinel = async (primary: RedisServer, { tls = false, sentinelSettings = [], watchSettings = [] }: SentinelGroupOptions) => {
  const dir = await mkdtemp(join(tmpdir(), 'sentinel-'));
  const port = await freePort();
  const lines = [
    'bind 127.0.0.1', `dir ${dir}`, ...(tls ? ['port 0', `tls-port ${port}`] : [`port ${port}`]), ...sentinelSettings,
    `sentinel monitor ${primaryName} 127.0.0.1 ${primary.port} 2`, `sentinel down-after-milliseconds ${primaryName} 1000`, `sentinel failover-timeout ${primaryName} 4000`, ...watchSettings,
  ];
  await writeFile(join(dir, 'sentinel.conf'), `${lines.join('\n')}\n`);
  const process = await launchRedis([join(dir, 'sentinel.conf'), '--sentinel'], port);
  return {
    address: { host: '127.0.0.1', port },
    async stop() {
      await endRedis(process, 'SIGKILL');
      await rm(dir, { recursive: true, force: true });
    },
  };
};

/** Starts them, and resolves when every Sentinel knows the replica and the other two; `stop` must be called. */
export const startSentinelGroup = async (options: SentinelGroupOptions = {}): Promise<SentinelGroup> => {
  // By default a primary waits 5 s for further replicas before it serves the first.
  const settings = { 'repl-diskless-sync-delay': '0', ...options.settings };
  const first = await startRedisServer({ ...options, settings });
  const second = await startRedisServer({ ...options, settings: { ...settings, replicaof: ['127.0.0.1', String(first.port)] } });
  const started = await Promise.all([1, 2, 3].map(() => startSentinel(first, options)));
  const clients = started.map(({ address }) => new Redis({ ...address, protocol: 2, ...options.sentinelClient }));
  for (const client of clients) client.on('error', () => undefined);

  const knows = async (client: Redis): Promise<boolean> => {
    const fields = (await client.call('SENTINEL', 'MASTER', primaryName)) as readonly string[];
    const value = (name: string): string | undefined => fields[fields.indexOf(name) + 1];
    return value('num-slaves') === '1' && value('num-other-sentinels') === '2' && value('flags') === 'master';
  };
  const named = async (client: Redis): Promise<number> => Number(((await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', primaryName)) as readonly string[])[1]);
  await until('the Sentinels know each other', async () => (await Promise.all(clients.map(knows))).every(Boolean));

  return {
    servers: [first, second],
    sentinels: started.map(({ address }) => address),
    async primary() {
      const port = await named(clients[0] as Redis);
      return port === first.port ? first : second;
    },
    untilMoved: (from) => until('all Sentinels name the new primary', async () => (await Promise.all(clients.map(named))).every((port) => port !== from.port), 60_000),
    failover: async () => void (await clients[0]?.call('SENTINEL', 'FAILOVER', primaryName)),
    async stop() {
      for (const client of clients) client.disconnect();
      await Promise.all([...started, first, second].map((one) => one.stop()));
    },
  };
};
