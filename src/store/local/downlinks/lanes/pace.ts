/** When the next downlink of a connection may leave. Times are of the monotonic clock, ms. */
export interface Pace {
  /** 0 when one may leave now. */
  waitMs(now: number): number;
  /** One leaves now. */
  take(now: number): void;
  /** What the rate leaves of the last second. */
  headroom(now: number): number;
}

/** Share of the rate at which downlinks are spread: what leaves in step arrives in step, so a little jitter on the way never makes a second too full. */
const spreadShare = 0.94;
/** As many as the rate allows in one second may leave in this time. The rest of it is for downlinks that catch up with each other on the way. */
const windowMs = 1_050;
/** A timer that fires this late is made up for, so that the rate holds on a busy machine. What is later was a pause, which saves nothing up. */
const longestLagMs = 50;
const secondMs = 1_000;

/** @param ratePerSecond Downlinks in any second; asked each time, since it may change. */
export const createPace = (ratePerSecond: () => number): Pace => {
  /** When those of the last window left, oldest first. */
  let left: number[] = [];
  let nextAt = -Infinity;

  /** Less than one a second: one in a longer window. */
  const limits = (): { readonly rate: number; readonly count: number; readonly window: number } => {
    const rate = Math.max(ratePerSecond(), 0.001);
    const count = Math.max(Math.floor(rate), 1);
    return { rate, count, window: Math.max(windowMs, (windowMs * count) / rate) };
  };

  const windowWait = (now: number): number => {
    const { count, window } = limits();
    const first = left.findIndex((time) => now - time < window);
    if (first !== 0) left = first < 0 ? [] : left.slice(first);
    const oldest = left[left.length - count];
    return oldest === undefined ? 0 : oldest + window - now;
  };

  return {
    waitMs: (now) => Math.max(0, nextAt - now, windowWait(now)),
    take(now) {
      const spacing = secondMs / (limits().rate * spreadShare);
      nextAt = (now - nextAt > longestLagMs ? now : nextAt) + spacing;
      left.push(now);
    },
    headroom(now) {
      const recent = left.filter((time) => now - time < secondMs).length;
      return Math.max(0, Math.floor(ratePerSecond()) - recent);
    },
  };
};
