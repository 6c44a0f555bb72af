import type { EventLog, ResourceStore, TokenStore } from '../../api/ports.js';
import { BridgeError } from '../../errors.js';
import { createLogger, type Logger } from '../../log.js';
import { hashTag } from './keys.js';
import { createRedisEventLog } from './redis-event-log.js';
import { openRedisLink } from './redis-link.js';
import { redisAddressOf, type RedisReach } from './redis-options.js';
import { createRedisResourceStore } from './redis-resource-store.js';
import { createRedisTokens } from './redis-tokens.js';
import * as scripts from './resource-scripts.js';

export interface RedisResourcesOptions extends RedisReach {
  /** Begins all keys; bridges with the same prefix share their resources, events and tokens. */
  readonly keyPrefix?: string;
  readonly logger: Logger;
  readonly now?: () => number;
}

/** Times that tests change. */
export interface ResourcesTuning {
  /** Between two looks at Redis, ms. */
  readonly watchMs: number;
  /** Between two looks for changes of other replicas that nobody told, ms. */
  readonly pollMs: number;
}

export interface RedisResources {
  readonly resources: ResourceStore;
  readonly events: EventLog;
  readonly tokens: TokenStore;
  /** Closes all three; they may also be closed one by one. */
  close(): Promise<void>;
}

const defaults: ResourcesTuning = { watchMs: 1_000, pollMs: 3_000 };

/** Runs `last` when each part was closed, once, however often they are. */
const closedParts = (parts: readonly string[], last: () => void): ((part: string) => void) => {
  const open = new Set(parts);
  return (part) => {
    if (open.delete(part) && open.size === 0) last();
  };
};

/**
 * Opens resources, events and tokens on Redis. While Redis does not answer, it is open all the same: reads and writes throw redis_unavailable until Redis comes,
 * and a bounded number of events is held.
 * @throws BridgeError redis_unsafe when Redis answers and its settings may lose what is kept; config_invalid when the URL is none
 */
export const openRedisResources = async (options: RedisResourcesOptions, tuning: Partial<ResourcesTuning> = {}): Promise<RedisResources> => {
  const { logger, now = Date.now } = options;
  const { watchMs, pollMs } = { ...defaults, ...tuning };
  const address = redisAddressOf(options);
  const tag = hashTag(options.keyPrefix ?? 'lpwan-bridge');
  // The link of the downlinks tells about Redis; a second one would say everything twice.
  const link = await openRedisLink({ address, tag, scripts: Object.values(scripts), watchMs, failure: 'redis_unavailable', logger: createLogger('silent') });
  const unsafe = link.problem();
  if (unsafe?.reason === 'redis_unsafe') {
    link.close();
    throw new BridgeError('redis_unsafe', { detail: unsafe.detail });
  }
  const closed = closedParts(['resources', 'events', 'tokens'], () => link.close());
  const resources = createRedisResourceStore({ link, address, tag, pollMs, now, closed: () => closed('resources') });
  const events = createRedisEventLog({ link, tag, logger, now, closed: () => closed('events') });
  const tokens = createRedisTokens({ link, tag, closed: () => closed('tokens') });
  link.onChange((up) => {
    if (!up) return;
    resources.look();
    void events.flush();
  });
  return {
    resources,
    events,
    tokens,
    async close() {
      await Promise.all([resources.close(), events.close(), tokens.close()]);
    },
  };
};
