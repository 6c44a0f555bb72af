import { mkdir } from 'node:fs/promises';
import type { StoredToken, TokenStore } from '../api/ports.js';
import { checkTokenName } from '../api/token-routes.js';
import { issueToken, type NewToken } from '../api/tokens.js';
import type { BridgeConfig } from '../config/schema.js';
import { createLogger } from '../log.js';
import { openTokenFile } from '../store/local/tokens.js';
import { keyPrefix, redisSettings } from './redis-settings.js';

export type { NewToken } from '../api/tokens.js';

/** The tokens of a bridge, whether it runs or not. */
export interface Tokens {
  list(): Promise<readonly StoredToken[]>;
  /** Resolves with the token itself, which is kept nowhere. @throws BridgeError invalid_field, resource_exists for a name that may not stand in the audit for this token */
  create(token: NewToken): Promise<string>;
  remove(id: string): Promise<boolean>;
  close(): Promise<void>;
}

interface OpenStore {
  readonly store: TokenStore;
  close(): Promise<void>;
}

const openStore = async ({ redis, dataDir }: BridgeConfig): Promise<OpenStore> => {
  if (redis === undefined) {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const store = openTokenFile({ dataDir });
    return { store, close: () => store.close() };
  }
  const { openRedisResources } = await import('../store/redis/redis-resources.js');
  const { resources, events, tokens } = await openRedisResources({ ...redisSettings(redis), keyPrefix, logger: createLogger('fatal') });
  return { store: tokens, close: async () => void (await Promise.all([tokens.close(), events.close(), resources.close()])) };
};

/** @throws BridgeError store_unavailable, redis_unavailable, redis_unsafe */
export const openTokens = async (config: BridgeConfig): Promise<Tokens> => {
  const opened = await openStore(config);
  const { store } = opened;
  return {
    list: () => store.list(),
    async create(given) {
      checkTokenName(given.name, await store.list());
      const { token, stored } = issueToken(given);
      await store.add(stored);
      return token;
    },
    remove: (id) => store.remove(id),
    close: () => opened.close(),
  };
};
