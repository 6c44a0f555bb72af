import type { Test } from 'tap';
import type { DownlinkStore } from '../../../src/downlink/ports.js';
import { BridgeError } from '../../../src/errors.js';
import type { RedisReach } from '../../../src/store/redis/redis-options.js';
import { newDownlink, recordWork, type RecordedWork } from '../../contracts/downlink-store-samples.js';
import { until } from '../../support/until.js';
import { openStore, readableLogger } from './open-store.js';

export const addDownlink = (store: DownlinkStore, name: string, deviceId: string) => store.queue.add(newDownlink(name, deviceId), { delivery: 'submit', windowMs: 600_000, capacity: 100_000 });

/** Adds one downlink after the other, each again until it is stored, as AWS does. `stop` gives all their names. */
const traffic = (store: DownlinkStore): { readonly refused: () => number; readonly stop: () => Promise<string[]> } => {
  const names: string[] = [];
  let refused = 0;
  let stopped = false;
  const run = async (): Promise<void> => {
    while (!stopped) {
      const name = String(names.length).padStart(5, '0');
      const stored = await addDownlink(store, name, `device-${names.length % 7}`).catch((error: unknown) => {
        if (!(error instanceof BridgeError) || error.reason !== 'store_unavailable') throw error;
        refused += 1;
        return undefined;
      });
      if (stored !== undefined) names.push(name);
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
  };
  const running = run();
  return {
    refused: () => refused,
    async stop() {
      stopped = true;
      await running;
      return names;
    },
  };
};

/** Names in the order in which they were first handed out. */
const firstTimes = (work: RecordedWork, deviceId: string): string[] => [...new Set(work.names(deviceId))];

/**
 * What is done to Redis, to the end of it. `felt` resolves when the store says that Redis is away, in words that match where some are given, and refuses
 * downlinks.
 */
export type Outage = (felt: (detail?: RegExp) => Promise<void>) => Promise<unknown>;

export interface Survival {
  /** Its changes are said so often. */
  readonly outages?: number;
  /** What an asynchronous failover may lose is counted, not refused. */
  readonly mayLose?: boolean;
}

/** A store under downlinks all the time outlives what is done to Redis: nothing is lost or out of order, and all goes on by itself. */
export const survives = async (t: Test, reach: RedisReach, outage: Outage, { outages = 1, mayLose = false }: Survival = {}): Promise<void> => {
  const { logger, lines } = readableLogger();
  const store = await openStore(t, reach.url, { ...reach, logger }, { lockMs: 2_000 });
  const work = recordWork({ submit: () => new Promise((resolve) => setTimeout(() => { resolve({ kind: 'done' }); }, 3)) });
  store.queue.start(work);
  const adding = traffic(store);
  await until('some left', () => work.handed.length > 50);
  t.equal(store.problem(), undefined);
  await outage(async (detail = /./) => {
    await until('the store says that Redis is away', () => detail.test(store.problem()?.detail ?? ''));
    const refused = adding.refused();
    await until('downlinks are refused', () => adding.refused() > refused + 20);
  });
  const before = work.handed.length;
  // Sentinels whose votes were split try again after twice their failover-timeout.
  await until('the problem is over', () => store.problem() === undefined, 60_000);
  await until('downlinks leave again', () => work.handed.length > before + 50);
  const names = await adding.stop();
  await until('all left', async () => (await store.queue.totals('main')).waiting === 0);
  let lost = 0;
  for (const device of Array.from({ length: 7 }, (_, index) => index)) {
    const [left, added] = [firstTimes(work, `device-${device}`), names.filter((_, index) => index % 7 === device)];
    lost += added.length - left.length;
    t.strictSame(left, mayLose ? added.filter((name) => left.includes(name)) : added, `nothing of device ${device} is ${mayLose ? '' : 'lost or '}out of order`);
  }
  if (mayLose) t.comment(`${lost} of ${names.length} downlinks were lost`);
  t.equal(work.mostOfOneDevice(), 1);
  const said = lines.map(({ level, msg }) => `${level} ${msg}`);
  t.same(said, Array.from({ length: outages }, () => ['warn redis cannot be used', 'info redis is usable']).flat(), 'each change is said once');
};
