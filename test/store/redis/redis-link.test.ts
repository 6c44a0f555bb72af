import t, { type Test } from 'tap';
import { createLogger } from '../../../src/log.js';
import { openRedisLink, type RedisLink } from '../../../src/store/redis/redis-link.js';
import { redisAddressOf } from '../../../src/store/redis/redis-options.js';
import { until } from '../../support/until.js';
import { clientFor, redisFor } from './open-store.js';

const openLink = async (t: Test, url: string): Promise<RedisLink> => {
  const link = await openRedisLink({ address: redisAddressOf({ url }), tag: '{lpwan-bridge}', scripts: [], watchMs: 20, logger: createLogger('silent') });
  t.teardown(() => link.close());
  return link;
};

void t.test('every listener is told of every change, in the order in which they came', async (t) => {
  const redis = await redisFor(t);
  const link = await openLink(t, redis.url);
  const told: string[] = [];
  for (const name of ['one', 'two', 'three']) link.onChange((up) => told.push(`${name} ${up ? 'up' : 'down'}`));
  t.equal(link.isUp(), true);
  await redis.kill();
  await until('it is down', () => !link.isUp());
  await redis.restart();
  await until('it is up', () => link.isUp());
  t.same(told, ['one down', 'two down', 'three down', 'one up', 'two up', 'three up']);
});

void t.test('when Redis writes to its disk is known where it may be asked', async (t) => {
  const redis = await redisFor(t, { settings: { appendfsync: 'always' } });
  t.equal((await openLink(t, redis.url)).appendfsync(), 'always');
  const client = clientFor(t, redis.url);
  await client.config('SET', 'appendfsync', 'everysec');
  t.equal((await openLink(t, redis.url)).appendfsync(), 'everysec');
  await client.acl('SETUSER', 'plain', 'on', '>secret', '~*', '&*', '+@all', '-config');
  const link = await openLink(t, redis.url.replace('//', '//plain:secret@'));
  t.same([link.isUp(), link.appendfsync()], [true, undefined], 'it works without the right to ask');
});
