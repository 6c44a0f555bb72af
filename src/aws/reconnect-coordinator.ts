import { setTimeout as pause } from 'node:timers/promises';
import type { OutageBackoff } from './outage-backoff.js';

export interface CoordinatorOptions {
  readonly backoff: OutageBackoff;
  /** Least time between two connect attempts of the whole pool, ms. */
  readonly spacingMs: number;
  readonly signal: AbortSignal;
  /** The backoff gives up; it has to abort the signal. */
  readonly exhausted: () => void;
}

/**
 * Lets the sessions of a pool connect one after the other. While the endpoint refuses, the whole pool shares one backoff, so ten
 * sessions that lost it together knock once, not ten times; when it answers, the rest follow at the spacing.
 */
export interface ReconnectCoordinator {
  /** Runs one connect attempt when its turn has come. @throws what the attempt throws, or the abort */
  attempt<T>(connect: () => Promise<T>): Promise<T>;
  /** A session proved useful: the next failure starts at the shortest pause. */
  stable(): void;
  /** A session ended at once, or another client fights for its id: counts as a failure. */
  failed(): void;
}

export const createReconnectCoordinator = ({ backoff, spacingMs, signal, exhausted }: CoordinatorOptions): ReconnectCoordinator => {
  let notBefore = 0;
  let last: Promise<unknown> = Promise.resolve();

  const failed = (): void => {
    const wait = backoff.failed();
    if (wait === undefined) exhausted();
    else notBefore = performance.now() + wait;
  };

  const run = async <T>(connect: () => Promise<T>): Promise<T> => {
    for (let wait = notBefore - performance.now(); wait > 0; wait = notBefore - performance.now()) await pause(wait, undefined, { signal });
    signal.throwIfAborted();
    try {
      const connected = await connect();
      notBefore = Math.max(notBefore, performance.now() + spacingMs);
      return connected;
    } catch (error) {
      if (!signal.aborted) failed();
      throw error;
    }
  };

  return {
    attempt(connect) {
      const turn = last.then(() => run(connect));
      last = turn.catch(() => undefined);
      return turn;
    },
    stable: () => backoff.recovered(),
    failed,
  };
};
