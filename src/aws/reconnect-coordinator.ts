import { setTimeout as pause } from 'node:timers/promises';
import { backoffMs, type Backoff } from '../backoff.js';

export interface CoordinatorOptions {
  readonly backoff: Backoff;
  /** Least time between two connect attempts of the whole pool, ms. */
  readonly spacingMs: number;
  readonly signal: AbortSignal;
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

export const createReconnectCoordinator = ({ backoff, spacingMs, signal }: CoordinatorOptions): ReconnectCoordinator => {
  let failures = 0;
  let notBefore = 0;
  let last: Promise<unknown> = Promise.resolve();

  const failed = (): void => {
    notBefore = performance.now() + backoffMs(backoff, failures);
    failures += 1;
  };

  const run = async <T>(connect: () => Promise<T>): Promise<T> => {
    for (let wait = notBefore - performance.now(); wait > 0; wait = notBefore - performance.now()) await pause(wait, undefined, { signal });
    signal.throwIfAborted();
    try {
      const connected = await connect();
      notBefore = Math.max(notBefore, performance.now() + spacingMs);
      return connected;
    } catch (error) {
      failed();
      throw error;
    }
  };

  return {
    attempt(connect) {
      const turn = last.then(() => run(connect));
      last = turn.catch(() => undefined);
      return turn;
    },
    stable() {
      failures = 0;
    },
    failed,
  };
};
