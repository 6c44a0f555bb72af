import { startRedisServer } from '../../test/support/redis-server.js';
import { besideBare, openBridge, type Contestant } from '../cases.js';
import type { Row } from '../row.js';
import type { Scene } from '../scene.js';

/** How often Redis syncs its append-only file: its own default, and what loses nothing when its machine dies (docs/redis.md). */
type Sync = 'everysec' | 'always';

const contestantOn = async (scene: Scene, appendfsync: Sync): Promise<Contestant> => {
  const redis = await scene.own(startRedisServer({ settings: { appendfsync } }));
  return { name: `the bridge: Redis store, \`appendfsync ${appendfsync}\``, subject: await openBridge(scene, { store: 'redis', redis }) };
};

export const redisStore: Row = {
  name: 'redis',
  what: 'Full speed with the Redis store, 10,000 devices, ChirpStack',
  boundSeconds: ({ seconds, rounds }) => 120 + (rounds + 2) * 3 * (seconds + 8),
  async run(scene) {
    const { measured } = await besideBare(scene, [await contestantOn(scene, 'everysec'), await contestantOn(scene, 'always')]);
    const ratio = measured[0]?.ratioToBare;
    return { measured, ...(ratio === undefined ? {} : { seen: { redisToBare: ratio } }) };
  },
};
