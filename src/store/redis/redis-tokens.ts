import type { StoredToken, TokenStore } from '../../api/ports.js';
import type { RedisLink } from './redis-link.js';
import { addTokenScript, findTokenScript, removeTokenScript } from './resource-scripts.js';

export interface RedisTokensOptions {
  readonly link: RedisLink;
  readonly tag: string;
  /** Called once, when it is closed. */
  readonly closed: () => void;
}

const tokenOf = (text: string): StoredToken => JSON.parse(text) as StoredToken;

/** Tokens in a hash, read at each question, so that a removed one is let in nowhere from then on. */
export const createRedisTokens = ({ link, tag, closed }: RedisTokensOptions): TokenStore => ({
  list: async () => (await link.run((client) => client.hvals(`${tag}:tokens`))).map(tokenOf).sort((one, other) => one.createdAt - other.createdAt || (one.id < other.id ? -1 : 1)),
  async find(hash) {
    const text = (await link.call(findTokenScript, hash)) as string | null;
    return text === null ? undefined : tokenOf(text);
  },
  async add(token) {
    await link.call(addTokenScript, token.id, token.hash, JSON.stringify(token));
  },
  remove: async (id) => (await link.call(removeTokenScript, id)) === 1,
  async close() {
    closed();
  },
});
