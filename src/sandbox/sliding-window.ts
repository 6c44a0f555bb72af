/** Admits at most `limit` in any second, whatever the second begins with. */
export interface SlidingWindow {
  /** Takes a place when there is one. */
  admit(now: number): boolean;
  /** Milliseconds until a place is free; 0 = now. */
  waitMs(now: number): number;
}

const unlimited: SlidingWindow = { admit: () => true, waitMs: () => 0 };
const windowMs = 1000;

/** A window over the times of the last `limit` admissions, in a ring; a limit of 0 admits everything. Times are milliseconds of a steady clock. */
export const createSlidingWindow = (limit: number): SlidingWindow => {
  if (limit <= 0) return unlimited;
  const times = new Float64Array(limit).fill(-Infinity);
  let oldest = 0;
  const waitMs = (now: number): number => Math.max(0, (times[oldest] ?? -Infinity) + windowMs - now);
  return {
    waitMs,
    admit: (now) => {
      if (waitMs(now) > 0) return false;
      times[oldest] = now;
      oldest = (oldest + 1) % limit;
      return true;
    },
  };
};
