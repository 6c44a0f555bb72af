import { startRedisServer } from '../../test/support/redis-server.js';
import { besideBare, openBridge, type Contestant } from '../cases.js';
import type { Row } from '../row.js';
import type { Scene } from '../scene.js';

const contestantOf = async (scene: Scene, workers: number, store: 'local' | 'redis'): Promise<Contestant> => {
  const redis = await scene.own(startRedisServer({ settings: { appendfsync: 'everysec' } }));
  return { name: `${workers === 1 ? 'one process' : `${workers} workers`}, ${store === 'local' ? 'outbox on disk' : 'outbox in Redis'}`, subject: await openBridge(scene, { workers, store, redis }) };
};

/** What each of them has of the machine is what the others, the broker and the load leave. */
export const workers: Row = {
  name: 'workers',
  what: 'Several processes on one port (`--workers`), devices in Redis',
  boundSeconds: ({ seconds, rounds }) => 180 + (rounds + 2) * 5 * (seconds + 8),
  async run(scene) {
    const contestants: Contestant[] = [];
    for (const store of ['local', 'redis'] as const) for (const count of [1, 2]) contestants.push(await contestantOf(scene, count, store));
    const { measured, ratio } = await besideBare(scene, contestants);
    const [one, two] = measured;
    return { measured, ...(one === undefined || two === undefined ? {} : { seen: { twoWorkersToOne: ratio(two.name, one.name) } }) };
  },
};
