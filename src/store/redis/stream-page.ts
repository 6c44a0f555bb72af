import type { Page, PageRequest } from '../../api/ports.js';
import { fieldError } from '../../errors.js';
import type { RedisLink } from './redis-link.js';

/** One entry of a stream that holds a JSON text each. */
export interface StreamEntry {
  /** Rises with time; never used twice in a stream. */
  readonly id: string;
  readonly text: string;
}

type Reply = readonly (readonly [string, readonly string[]])[];

/** Redis would answer anything else with an error of its own. */
const checkCursor = (after: string | undefined): void => {
  if (after !== undefined && !/^\d{1,19}-\d{1,19}$/.test(after)) throw fieldError('after', 'is not the `next` of a page');
};

/** A page of a stream, newest first; `next` is the id of its last entry. @throws BridgeError invalid_field, and as the link */
export const readStreamPage = async (link: RedisLink, key: string, { after, limit }: PageRequest): Promise<Page<StreamEntry>> => {
  checkCursor(after);
  // The entry that the page before ended with, and one more than asked for, which tells whether this is the last page.
  const reply = (await link.run((client) => client.xrevrange(key, after ?? '+', '-', 'COUNT', limit + 2))) as Reply;
  const found = reply.map(([id, fields]) => ({ id, text: fields[1] ?? '' })).filter(({ id }) => id !== after);
  const entries = found.slice(0, limit);
  const last = found.length > limit ? entries.at(-1) : undefined;
  return last === undefined ? { entries } : { entries, next: last.id };
};
