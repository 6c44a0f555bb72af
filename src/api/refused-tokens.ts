import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { ApiMetrics, Refusal } from './metrics.js';

/** A wrong token is answered after this time, ms: guessing is slow, and a mistake hardly noticed. */
const delayMs = 200;
/** Most answers that wait at a time; a flood beyond them is answered at once, so that it holds no memory. */
const maxWaiting = 64;
/** Refusals of one address and cause are logged when new, then at most once in this time with the count of those between, ms. */
const quietMs = 60_000;
/** Most addresses remembered for that. */
const maxRemembered = 1_000;

export interface RefusedTokens {
  /** Counts and logs, never with the token; resolves when the answer may go. */
  refused(cause: Refusal, from: string): Promise<void>;
  /** The tokens could not be read: logs why, which is not for the caller, who has not proved anything yet. */
  unreadable(error: unknown): void;
}

/** A key that no address can be. */
const store = 'token store';

const guesses: ReadonlySet<Refusal> = new Set<Refusal>(['malformed', 'unknown', 'expired']);

export const createRefusedTokens = (metrics: ApiMetrics, logger: Logger): RefusedTokens => {
  const logged = new Map<string, { at: number; silent: number }>();
  let waiting = 0;

  const log = (detail: string, from: string): void => {
    const key = from === store ? store : `${detail} ${from}`;
    const last = logged.get(key);
    if (last !== undefined && performance.now() - last.at < quietMs) {
      last.silent += 1;
      return;
    }
    if (logged.size >= maxRemembered) logged.clear();
    logged.set(key, { at: performance.now(), silent: 0 });
    logger.warn({ detail, from, not_logged: last?.silent ?? 0 }, 'api request refused');
  };

  return {
    async refused(cause, from) {
      metrics.refused(cause);
      log(cause, from);
      if (!guesses.has(cause) || waiting >= maxWaiting) return;
      waiting += 1;
      await wait(delayMs).finally(() => {
        waiting -= 1;
      });
    },
    unreadable: (error) => log(messageOf(error), store),
  };
};
