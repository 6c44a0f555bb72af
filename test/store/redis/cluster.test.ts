import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import type { RedisReach } from '../../../src/store/redis/redis-options.js';
import { startRedisCluster, type RedisCluster } from '../../support/redis-cluster.js';
import { contractsOn } from './contracts-on.js';
import { openStore } from './open-store.js';
import { survives } from './survive.js';

const clusterFor = async (t: Test, settings: Readonly<Record<string, string>> = {}): Promise<RedisCluster> => {
  const cluster = await startRedisCluster(settings);
  t.teardown(() => cluster.stop());
  return cluster;
};

const reachOf = ({ nodes: [first, ...others] }: RedisCluster): RedisReach => ({ url: first?.url ?? '', cluster: others.map(({ port }) => ({ host: '127.0.0.1', port })) });

const aliveKey = '{lpwan-bridge}:alive';

void t.test('the contracts on a Redis Cluster, each of many prefixes on the node of its own', async (t) => {
  const cluster = await clusterFor(t);
  await contractsOn(t, reachOf(cluster));
  const keys = await Promise.all(cluster.nodes.map(async ({ url }) => {
    const client = new Redis(url);
    const found = await client.keys('*');
    client.disconnect();
    return found;
  }));
  t.ok(keys.every((found) => found.length > 0), 'every node had its share');
  t.same(keys.flat().filter((key) => !/^\{place-\d+\}:/.test(key)), [], 'every key has the tag');
});

void t.test('the node with the keys is killed and comes back', async (t) => {
  const cluster = await clusterFor(t, { 'cluster-require-full-coverage': 'no' });
  const owner = await cluster.ownerOf(aliveKey);
  await survives(t, reachOf(cluster), async (felt) => {
    await owner.kill();
    await felt();
    await owner.restart();
  });
});

void t.test('the keys move to another node while downlinks come and go', async (t) => {
  const cluster = await clusterFor(t);
  await survives(t, reachOf(cluster), () => cluster.moveSlotOf(aliveKey), { outages: 0 });
});

void t.test('the node with the keys is unsafe', async (t) => {
  const cluster = await clusterFor(t, { 'maxmemory-policy': 'allkeys-lru' });
  const reach = reachOf(cluster);
  const error: unknown = await openStore(t, reach.url, reach).catch((thrown: unknown) => thrown);
  t.match(error, { reason: 'redis_unsafe', detail: /noeviction/ });
});
