import t from 'tap';
import { createLogger } from '../../../src/log.js';
import { openRedisDownlinks } from '../../../src/store/redis/redis-downlinks.js';
import { downlinkStoreContract } from '../../contracts/downlink-store.js';
import { startRedisServer } from '../../support/redis-server.js';

void t.test('the downlink store contract', async (t) => {
  const redis = await startRedisServer();
  t.teardown(() => redis.stop());
  let places = 0;
  await downlinkStoreContract(t, 'redis', async () => {
    places += 1;
    const keyPrefix = `place-${places}`;
    return { open: (settings) => openRedisDownlinks({ url: redis.url, keyPrefix, logger: createLogger('silent'), ...settings }) };
  });
});
