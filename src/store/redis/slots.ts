import { randomBytes } from 'node:crypto';
import { BridgeError } from '../../errors.js';
import { createLogger, type Logger } from '../../log.js';
import { createFreshRun } from './fresh-run.js';
import { hashTag } from './keys.js';
import { openRedisLink } from './redis-link.js';
import { redisAddressOf, type RedisReach } from './redis-options.js';
import { createSlotLeases, type HeldSlot } from './slot-leases.js';
import * as scripts from './slot-scripts.js';

export type { HeldSlot } from './slot-leases.js';

export interface SlotKeeperOptions extends RedisReach {
  /** Begins all keys; bridges with the same prefix share their slots. */
  readonly keyPrefix?: string;
  /** The slot of the data directory, whose lock proves that the earlier process on it is dead. */
  readonly preferred: string;
  /** How long a replica that is silent keeps its slot, ms; at least 1000. */
  readonly leaseMs: number;
  readonly logger: Logger;
  /**
   * The slot was taken over by another replica and this one goes on under the next. What was stored up to the position belongs to the other one now.
   * Not called for what happens before `openSlotKeeper` resolves.
   */
  readonly onChange: (next: HeldSlot, position: number) => void;
  /** The replica of the slot is gone and this one holds it now beside its own. Told again when it was lost and taken anew. */
  readonly onOrphan: (slot: string) => void;
  /** Milliseconds of a clock that goes forward. */
  readonly now?: () => number;
}

/** Times that tests change. */
export interface SlotTuning {
  /** Between two looks at Redis, ms. */
  readonly watchMs: number;
}

/** Keeps a slot for this replica: an identity that names its part of the shared outbox and its MQTT client ids, held by a lease in Redis. */
export interface SlotKeeper {
  /** The token is the same for all slots of this process. */
  current(): HeldSlot;
  /** The fence: whether the lease is certain to be held at this moment. No clock of another machine, and no clock that people set, is asked. */
  held(): boolean;
  /** Reads the lease anew; false: it is another's, and a new slot is held. @throws BridgeError store_unavailable while Redis is away */
  confirm(): Promise<boolean>;
  /**
   * Somebody found that the slot is not held: resolves when one is. The same one, when its lease had only run out and nobody took it.
   * @throws BridgeError store_unavailable while Redis is away
   */
  lost(slot: string): Promise<void>;
  /** Slots whose replica is gone and that this replica now holds beside its own. */
  orphans(): readonly string[];
  /**
   * Ends an orphan. True: nothing was left, the slot is gone. False: something is left under it, or it is no longer among `orphans`.
   * @throws BridgeError store_unavailable while Redis is away
   */
  finish(slot: string): Promise<boolean>;
  /** How many replicas hold a lease, as far as was known at the latest renewal. */
  replicas(): number;
  /** Renews no more. The lease runs out by itself, so a restart within it finds everything as it was. */
  close(): Promise<void>;
}

/** Renewals in a lease: two may fail. */
const renewalsPerLease = 3;

/**
 * Opens the keeper. While Redis is away it is open all the same: nothing is held, and the slot is taken when Redis comes.
 * @throws BridgeError redis_unsafe when Redis answers and its settings may lose what is kept; config_invalid when the URL is none
 */
export const openSlotKeeper = async (options: SlotKeeperOptions, { watchMs = 1_000 }: Partial<SlotTuning> = {}): Promise<SlotKeeper> => {
  const { preferred, leaseMs, logger, now = () => performance.now() } = options;
  // The link of the downlinks tells about Redis; a second one would say everything twice.
  const link = await openRedisLink({ address: redisAddressOf(options), tag: hashTag(options.keyPrefix ?? 'lpwan-bridge'), scripts: Object.values(scripts), watchMs, logger: createLogger('silent') });
  const unsafe = link.problem();
  if (unsafe?.reason === 'redis_unsafe') {
    link.close();
    throw new BridgeError('redis_unsafe', { detail: unsafe.detail });
  }
  const token = `${preferred}.${randomBytes(8).toString('hex')}`;
  let opened = false;
  const leases = createSlotLeases({ link, token, preferred, leaseMs, logger, now, onOrphan: options.onOrphan, onChange: (position) => opened && options.onChange({ slot: leases.slot(), token }, position) });
  const renew = createFreshRun(() => leases.renew());
  const tryToRenew = (): Promise<void> => renew().catch(() => leases.tell());

  link.onChange((up) => {
    if (up) void tryToRenew();
    else leases.broken();
  });
  await tryToRenew();
  opened = true;
  const timer = setInterval(() => void tryToRenew(), leaseMs / renewalsPerLease);

  return {
    current: () => ({ slot: leases.slot(), token }),
    held: () => leases.held(),
    async confirm() {
      const before = leases.slot();
      await renew();
      return leases.slot() === before;
    },
    async lost(slot) {
      if (slot === leases.slot() || !leases.held()) await renew();
    },
    orphans: () => leases.orphans(),
    finish: (slot) => leases.finish(slot),
    replicas: () => leases.holders(),
    async close() {
      clearInterval(timer);
      leases.close();
      link.close();
    },
  };
};
