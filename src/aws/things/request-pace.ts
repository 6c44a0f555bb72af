import { backoffMs } from '../../backoff.js';
import { BridgeError } from '../../errors.js';

/** When calls of one kind may leave. */
export interface RequestPace {
  /** Resolves when one call may leave, in the order asked. @throws BridgeError stopping */
  turn(): Promise<void>;
  /** AWS throttled a call: a pause follows, and then fewer calls than before. */
  throttled(): void;
  /** AWS took a call: the pace rises slowly up to its limit. */
  succeeded(): void;
  /** Ends the waiting with `stopping`, now and from now on. */
  close(): void;
}

interface Waiting {
  readonly go: () => void;
  readonly end: (error: BridgeError) => void;
}

/** Calls sent evenly can arrive closer together, so a little less than the limit is used. */
const usedShare = 0.97;
const pauseBackoff = { minMs: 200, maxMs: 10_000 };
/** Throttles of calls that left together count once. */
const throttleGapMs = 300;
const leastShare = 1 / 32;
const recovery = 0.02;

/** No more than `perSecond` in any second, spread evenly, without catching up; other programs may use the account's limit too, so a throttle slows it down. */
export const createRequestPace = (perSecond: number): RequestPace => {
  const waiting: Waiting[] = [];
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let nextAt = 0;
  let share = 1;
  let throttles = 0;
  let throttledAt = Number.NEGATIVE_INFINITY;

  const pump = (): void => {
    timer = undefined;
    const now = performance.now();
    if (waiting.length > 0 && now >= nextAt) {
      nextAt = now + 1_000 / (perSecond * usedShare * share);
      waiting.shift()?.go();
    }
    if (waiting.length > 0) timer = setTimeout(pump, Math.max(1, Math.ceil(nextAt - now)));
  };

  return {
    turn: () =>
      new Promise((go, end) => {
        if (closed) return end(new BridgeError('stopping'));
        waiting.push({ go, end });
        if (timer === undefined) pump();
      }),
    throttled() {
      const now = performance.now();
      if (now - throttledAt < throttleGapMs) return;
      throttledAt = now;
      share = Math.max(leastShare, share / 2);
      nextAt = now + backoffMs(pauseBackoff, throttles);
      throttles += 1;
    },
    succeeded() {
      throttles = 0;
      share = Math.min(1, share + recovery);
    },
    close() {
      closed = true;
      clearTimeout(timer);
      for (const { end } of waiting.splice(0)) end(new BridgeError('stopping'));
    },
  };
};
