import type { BridgeConfig } from '../config/schema.js';
import { BridgeError } from '../errors.js';
import type { Logger } from '../log.js';
import { openLocalOutbox } from '../store/local/local-outbox.js';
import { slotOf } from '../store/local/slot.js';
import type { Outbox, ParkedMessages, SharedOutboxListener } from '../uplink/ports.js';
import { fixedIdentity, type Identity } from './identity.js';
import { keyPrefix, redisSettings } from './redis-settings.js';
import type { SharedSlots } from './take-over.js';

/** The outbox of the daemon, wherever it is. */
export interface KeptOutbox extends Outbox, ParkedMessages {
  /** Connections that have unsettled messages, whether they are configured or not. */
  waiting(): readonly string[];
}

export interface OpenOutbox {
  readonly outbox: KeptOutbox;
  readonly identity: Identity;
  /** Most webhooks that are best read, and written, at a time. */
  readonly mostTogether: number;
  /** Where replicas share it: what they do for each other. */
  readonly shared?: SharedSlots;
  close(): Promise<void>;
}

/** What the rest of the bridge is told by an outbox that replicas share. */
export interface OutboxEars extends SharedOutboxListener {
  /** The slot changed; all up to this position is another replica's. */
  reslotted(position: number): void;
  /** The replica of this slot is gone, and its slot is held here now. */
  orphan(slot: string): void;
}

export interface OpenOutboxOptions {
  readonly config: Pick<BridgeConfig, 'dataDir' | 'outbox' | 'redis'>;
  readonly ears: OutboxEars;
  readonly logger: Logger;
}

const openOnDisk = async ({ config, logger }: OpenOutboxOptions): Promise<OpenOutbox> => {
  const { maxBytes, maxMessages, dedupWindow, parkedMaxBytes } = config.outbox;
  const identity = fixedIdentity(await slotOf(config.dataDir));
  const outbox = await openLocalOutbox({ dataDir: config.dataDir, maxBytes, maxMessages, dedupWindowMs: dedupWindow, parkedMaxBytes, logger });
  // The disk takes as long for many as for few, and what is read in a row is read faster.
  return { outbox, identity, mostTogether: Number.POSITIVE_INFINITY, close: () => outbox.close() };
};

/** Redis takes as long as the bridge for half of what usually comes at once, so that the other half is read meanwhile (docs/performance.md). */
const mostInRedis = 32;

const openInRedis = async ({ config, ears, logger }: OpenOutboxOptions, redis: NonNullable<BridgeConfig['redis']>): Promise<OpenOutbox> => {
  const [{ openSlotKeeper }, { openRedisOutbox }] = await Promise.all([import('../store/redis/slots.js'), import('../store/redis/outbox/redis-outbox.js')]);
  const { maxBytes, maxMessages, dedupWindow, parkedMaxBytes } = config.outbox;
  const common = { ...redisSettings(redis), keyPrefix, logger };
  const keeper = await openSlotKeeper({
    ...common,
    preferred: await slotOf(config.dataDir),
    leaseMs: redis.slotLease,
    onChange: (_next, position) => ears.reslotted(position),
    onOrphan: (slot) => ears.orphan(slot),
  });
  const outbox = await openRedisOutbox({
    ...common,
    maxBytes,
    maxMessages,
    dedupWindowMs: dedupWindow,
    parkedMaxBytes,
    slot: () => keeper.current(),
    lost: (slot) => keeper.lost(slot),
    listener: () => ears,
  });
  const identity: Identity = {
    slot: () => keeper.current().slot,
    mayPublish: () => keeper.held(),
    async confirm(slot) {
      if (!(await keeper.confirm()) || keeper.current().slot !== slot) throw new BridgeError('slot_lost', { detail: `the slot ${slot} is another replica's` });
    },
  };
  const close = async (): Promise<void> => {
    await outbox.close();
    await keeper.close();
  };
  return { outbox, identity, mostTogether: mostInRedis, shared: { keeper, outbox }, close };
};

/** Opens what keeps accepted messages. @throws BridgeError store_corrupt, store_unavailable, redis_unsafe */
export const openOutbox = (options: OpenOutboxOptions): Promise<OpenOutbox> => {
  const { outbox, redis } = options.config;
  return outbox.store === 'redis' && redis !== undefined ? openInRedis(options, redis) : openOnDisk(options);
};
