import { Redis } from 'ioredis';
import { freePort } from './free-port.js';
import { startRedisServer, type RedisServer } from './redis-server.js';
import { until } from './until.js';

/** Three nodes of a Redis Cluster on loopback, without replicas. */
export interface RedisCluster {
  readonly nodes: readonly RedisServer[];
  /** The node that has a key. */
  ownerOf(key: string): Promise<RedisServer>;
  /** Gives the slot of a key, with everything in it, to the next node. */
  moveSlotOf(key: string): Promise<void>;
  stop(): Promise<void>;
}

const slots = 16_384;
const keysAtOnce = 1_000;

const newClient = ({ url }: RedisServer): Redis => {
  const client = new Redis(url, { protocol: 2 });
  client.on('error', () => undefined);
  return client;
};

const field = (text: string, name: string): string | undefined => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(text)?.[1];

/** Starts them, and resolves when each knows all slots; `stop` must be called. */
export const startRedisCluster = async (settings: Readonly<Record<string, string>> = {}): Promise<RedisCluster> => {
  const busPorts = await Promise.all([1, 2, 3].map(() => freePort()));
  const nodes = await Promise.all(busPorts.map((port) => startRedisServer({ settings: { 'cluster-enabled': 'yes', 'cluster-port': String(port), 'cluster-node-timeout': '2000', ...settings } })));
  const clients = nodes.map(newClient);
  const all = <T>(work: (client: Redis, index: number) => Promise<T>): Promise<T[]> => Promise.all(clients.map(work));
  const share = Math.ceil(slots / nodes.length);
  await all((client, index) => client.call('CLUSTER', 'ADDSLOTSRANGE', index * share, Math.min(slots, (index + 1) * share) - 1));
  for (const [index, node] of nodes.entries()) await clients[0]?.call('CLUSTER', 'MEET', '127.0.0.1', node.port, busPorts[index] as number);
  await until('the cluster stands', async () => (await all((client) => client.cluster('INFO'))).every((info) => field(info, 'cluster_state') === 'ok' && field(info, 'cluster_known_nodes') === '3'));

  const slotOf = async (key: string): Promise<number> => (await clients[0]?.cluster('KEYSLOT', key)) as number;
  /** As the node itself sees it: while a slot moves the others may not know yet. */
  const ownerIndex = async (key: string): Promise<number> => {
    const slot = await slotOf(key);
    const ranges = (await clients[0]?.cluster('SLOTS')) ?? [];
    const port = ranges.find(([from, to]) => from <= slot && slot <= to)?.[2]?.[1];
    return nodes.findIndex((node) => node.port === port);
  };

  return {
    nodes,
    ownerOf: async (key) => nodes[await ownerIndex(key)] as RedisServer,
    async moveSlotOf(key) {
      const [slot, from] = [await slotOf(key), await ownerIndex(key)];
      const to = (from + 1) % nodes.length;
      const [source, target] = [clients[from] as Redis, clients[to] as Redis];
      const [fromId, toId] = [await source.cluster('MYID'), await target.cluster('MYID')];
      await target.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId);
      await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
      for (;;) {
        const keys = (await source.cluster('GETKEYSINSLOT', slot, keysAtOnce)) as readonly string[];
        if (keys.length === 0) break;
        await source.call('MIGRATE', '127.0.0.1', nodes[to]?.port as number, '', 0, 5_000, 'KEYS', ...keys);
      }
      for (const client of [target, source, ...clients]) await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', toId);
    },
    async stop() {
      for (const client of clients) client.disconnect();
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
};
