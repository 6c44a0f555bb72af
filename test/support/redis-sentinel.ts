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
  /** Asks the first Sentinel to make the replica the primary. */
  failover(): Promise<void>;
  /** The last Sentinel knows nothing of the primary until `knowsFirst`, which begins with the first one: it hears from the others which it is now. */
  forgetLast(): Promise<{ knowsFirst(): Promise<void> }>;
  /** Has the Sentinels watch one more primary and its replica; `failover` resolves when all name the other one, and `stop` must be called. */
  watchAnother(name: string): Promise<{ failover(): Promise<void>; stop(): Promise<void> }>;
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

/** When a primary counts as gone, and for how long a failover is tried, ms. */
const timing = { 'down-after-milliseconds': '1000', 'failover-timeout': '4000' };

/** A Sentinel writes its own file, so it has a folder of its own. */
const startSentinel = async (primary: RedisServer, { tls = false, sentinelSettings = [], watchSettings = [] }: SentinelGroupOptions) => {
  const dir = await mkdtemp(join(tmpdir(), 'sentinel-'));
  const port = await freePort();
  const lines = [
    'bind 127.0.0.1', `dir ${dir}`, ...(tls ? ['port 0', `tls-port ${port}`] : [`port ${port}`]), ...sentinelSettings,
    `sentinel monitor ${primaryName} 127.0.0.1 ${primary.port} 2`, ...Object.entries(timing).map(([field, value]) => `sentinel ${field} ${primaryName} ${value}`), ...watchSettings,
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

const startPair = async (options: RedisServerOptions): Promise<readonly [RedisServer, RedisServer]> => {
  // By default a primary waits 5 s for further replicas before it serves the first.
  const settings = { 'repl-diskless-sync-delay': '0', ...options.settings };
  const first = await startRedisServer({ ...options, settings });
  return [first, await startRedisServer({ ...options, settings: { ...settings, replicaof: ['127.0.0.1', String(first.port)] } })];
};

const watch = async (client: Redis, name: string, { port }: RedisServer): Promise<void> => {
  await client.call('SENTINEL', 'MONITOR', name, '127.0.0.1', port, 2);
  await client.call('SENTINEL', 'SET', name, ...Object.entries(timing).flat());
};

const knows = async (client: Redis, name: string): Promise<boolean> => {
  const fields = (await client.call('SENTINEL', 'MASTER', name)) as readonly string[];
  const value = (field: string): string | undefined => fields[fields.indexOf(field) + 1];
  return value('num-slaves') === '1' && value('num-other-sentinels') === '2' && value('flags') === 'master';
};

const named = async (client: Redis, name: string): Promise<number> => Number(((await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)) as readonly string[])[1]);

/** Starts them, and resolves when every Sentinel knows the replica and the other two; `stop` must be called. */
export const startSentinelGroup = async (options: SentinelGroupOptions = {}): Promise<SentinelGroup> => {
  const [first, second] = await startPair(options);
  const started = await Promise.all([1, 2, 3].map(() => startSentinel(first, options)));
  const clients = started.map(({ address }) => new Redis({ ...address, protocol: 2, ...options.sentinelClient }));
  for (const client of clients) client.on('error', () => undefined);

  const untilKnown = (name: string): Promise<void> => until('the Sentinels know each other', async () => (await Promise.all(clients.map((client) => knows(client, name)))).every(Boolean));
  const untilLeft = (name: string, { port }: RedisServer): Promise<void> =>
    until('all Sentinels name the new primary', async () => (await Promise.all(clients.map((client) => named(client, name)))).every((now) => now !== port), 60_000);
  const failover = async (name: string): Promise<void> => void (await clients[0]?.call('SENTINEL', 'FAILOVER', name));
  await untilKnown(primaryName);

  return {
    servers: [first, second],
    sentinels: started.map(({ address }) => address),
    async primary() {
      const port = await named(clients[0] as Redis, primaryName);
      return port === first.port ? first : second;
    },
    untilMoved: (from) => untilLeft(primaryName, from),
    failover: () => failover(primaryName),
    async forgetLast() {
      const last = clients.at(-1) as Redis;
      await last.call('SENTINEL', 'REMOVE', primaryName);
      return { knowsFirst: () => watch(last, primaryName, first) };
    },
    async watchAnother(name) {
      const pair = await startPair(options);
      await Promise.all(clients.map((client) => watch(client, name, pair[0])));
      await untilKnown(name);
      return {
        async failover() {
          await failover(name);
          await untilLeft(name, pair[0]);
        },
        stop: async () => void (await Promise.all(pair.map((one) => one.stop()))),
      };
    },
    async stop() {
      for (const client of clients) client.disconnect();
      await Promise.all([...started, first, second].map((one) => one.stop()));
    },
  };
};
