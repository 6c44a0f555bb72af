import type { Test } from 'tap';
import { createLogger } from '../../../src/log.js';
import { openRedisDownlinks } from '../../../src/store/redis/redis-downlinks.js';
import type { RedisReach } from '../../../src/store/redis/redis-options.js';
import { openRedisOutbox } from '../../../src/store/redis/outbox/redis-outbox.js';
import { openSlotKeeper } from '../../../src/store/redis/slots.js';
import { clearContract } from '../../contracts/downlink-store-clear.js';
import { devicesContract } from '../../contracts/downlink-store-devices.js';
import { intakeContract } from '../../contracts/downlink-store-intake.js';
import { livesContract } from '../../contracts/downlink-store-lives.js';
import { collectContract } from '../../contracts/downlink-store-mailbox.js';
import { memoryContract } from '../../contracts/downlink-store-memory.js';
import { handingOutContract } from '../../contracts/downlink-store-order.js';
import type { NewDownlinkPlace } from '../../contracts/downlink-store.js';
import { eventLogContract } from '../../contracts/event-log.js';
import { outboxContract } from '../../contracts/outbox.js';
import { resourceStoreContract, type NewResourcesPlace } from '../../contracts/resource-store.js';
import { thingMemoryContract } from '../../contracts/thing-memory.js';
import { tokenStoreContract } from '../../contracts/token-store.js';
import { newTold } from './open-outbox.js';
import { openResources } from './open-resources.js';

const downlinkContracts = { intakeContract, handingOutContract, collectContract, memoryContract, devicesContract, clearContract, livesContract, thingMemoryContract };

const roomy = { maxBytes: 50_000_000, maxMessages: 1_000_000, dedupWindowMs: 7_200_000, parkedMaxBytes: 10_000_000 };

/** The contracts on a Redis of some other form, all but the one of the rate, which is the same script everywhere and takes its time. Each place is a prefix `place-N`. */
export const contractsOn = async (t: Test, reach: RedisReach): Promise<void> => {
  let places = 0;
  const newPrefix = (): string => `place-${(places += 1)}`;
  const newDownlinkPlace: NewDownlinkPlace = async () => {
    const keyPrefix = newPrefix();
    return { open: (settings) => openRedisDownlinks({ ...reach, keyPrefix, logger: createLogger('silent'), ...settings }) };
  };
  const newResourcesPlace: NewResourcesPlace = async (t) => {
    const keyPrefix = newPrefix();
    return { open: (settings = {}) => openResources(t, reach.url, { ...reach, keyPrefix, ...settings }) };
  };
  await t.test('outbox, with its slot', (t) => outboxContract(t, async (t) => {
    const keyPrefix = newPrefix();
    return {
      async open(settings) {
        const keeper = await openSlotKeeper({ ...reach, keyPrefix, preferred: 'slot', leaseMs: 60_000, logger: createLogger('silent'), onChange: () => undefined, onOrphan: () => undefined });
        t.teardown(() => keeper.close());
        return openRedisOutbox({ ...reach, ...roomy, keyPrefix, slot: () => keeper.current(), lost: (slot) => keeper.lost(slot), listener: () => newTold().listener, logger: createLogger('silent'), ...settings });
      },
    };
  }));
  for (const [name, contract] of Object.entries(downlinkContracts)) await t.test(name, (t) => contract(t, newDownlinkPlace));
  await t.test('resource store', (t) => resourceStoreContract(t, newResourcesPlace));
  await t.test('event log', (t) => eventLogContract(t, newResourcesPlace));
  await t.test('token store', (t) => tokenStoreContract(t, async (t) => {
    const keyPrefix = newPrefix();
    return {
      async open() {
        const opened = await openResources(t, reach.url, { ...reach, keyPrefix });
        return { ...opened.tokens, close: () => opened.close() };
      },
    };
  }));
};
