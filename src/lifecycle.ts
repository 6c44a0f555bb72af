import type { Logger } from './log.js';
import { BridgeError, messageOf } from './errors.js';

export interface Lifecycle {
  /** Registers how to stop what was just opened; stops run in the reverse order. */
  onStop(name: string, stop: (deadline: Deadline) => Promise<void> | void): void;
  /** Runs every stop once, within `timeoutMs` altogether; a failing or late step never skips the rest. Further calls wait for the first. */
  stop(timeoutMs: number): Promise<void>;
}

/** The one deadline of a shutdown, shared by all its steps. */
export interface Deadline {
  /** Milliseconds left, never negative. */
  remaining(): number;
}

export const deadlineIn = (timeoutMs: number): Deadline => {
  const end = performance.now() + timeoutMs;
  return { remaining: () => Math.max(0, end - performance.now()) };
};

/** One that ends so much sooner, for a step that must leave time to those behind it. */
export const sooner = (deadline: Deadline, byMs: number): Deadline => ({ remaining: () => Math.max(0, deadline.remaining() - byMs) });

/** The end of the work, or after so long what `late` gives or throws; the work's own end then has no effect. */
const orLate = async <T>(work: Promise<T>, limitMs: number, late: () => T): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  try {
    return await Promise.race([work, over.then(late)]);
  } finally {
    clearTimeout(timer);
  }
};

/** A signal that also ends by time. */
export interface TimeLimit {
  readonly signal: AbortSignal;
  /** Whether it was the time that ended it. */
  isOver(): boolean;
  /** To be called when the work is over. */
  end(): void;
}

/**
 * Aborts with another signal, or after `ms`. `AbortSignal.any` of it and `AbortSignal.timeout` would not do: Node holds the latter so
 * weakly that a garbage collection may take it, and then the time never ends.
 */
export const timeLimit = (signal: AbortSignal, ms: number): TimeLimit => {
  const controller = new AbortController();
  let isOver = false;
  const abort = (): void => controller.abort(signal.reason);
  const timer = setTimeout(() => {
    isOver = true;
    controller.abort(new DOMException(`not done in ${ms} ms`, 'TimeoutError'));
  }, ms).unref();
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return {
    signal: controller.signal,
    isOver: () => isOver,
    end() {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    },
  };
};

/** Waits for a promise at most as long as the deadline allows. Resolves to false when time ran out first. */
export const within = (deadline: Deadline, work: Promise<void>): Promise<boolean> => orLate(work.then(() => true), deadline.remaining(), () => false);

/** Waits for a store at most so long. @throws BridgeError store_unavailable when time ran out first */
export const inTime = <T>(work: Promise<T>, limitMs: number): Promise<T> =>
  orLate(work, limitMs, () => {
    throw new BridgeError('store_unavailable', { detail: `it took longer than ${limitMs} ms` });
  });

/** A stack of named stops: what was opened last is stopped first. */
export const createLifecycle = (logger: Logger): Lifecycle => {
  const stops: { name: string; stop: (deadline: Deadline) => Promise<void> | void }[] = [];
  let stopped: Promise<void> | undefined;

  const stopAll = async (timeoutMs: number): Promise<void> => {
    const deadline = deadlineIn(timeoutMs);
    for (let step = stops.pop(); step !== undefined; step = stops.pop()) {
      const { name, stop } = step;
      try {
        const inTime = await within(deadline, Promise.resolve(stop(deadline)));
        if (!inTime) logger.warn({ step: name }, 'stop step exceeded the shutdown deadline');
      } catch (error) {
        logger.error({ step: name, detail: messageOf(error) }, 'stop step failed');
      }
    }
  };

  return {
    onStop(name, stop) {
      stops.push({ name, stop });
    },
    stop(timeoutMs) {
      stopped ??= stopAll(timeoutMs);
      return stopped;
    },
  };
};
