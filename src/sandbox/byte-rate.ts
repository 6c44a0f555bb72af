/** A bucket of bytes that fills at a steady rate and may be overdrawn: who overdraws it has to wait. */
export interface ByteRate {
  take(bytes: number, now: number): void;
  /** Milliseconds until the overdraft is paid back; 0 = none. */
  waitMs(now: number): number;
}

const unlimited: ByteRate = { take: () => undefined, waitMs: () => 0 };

/** One second's worth may be used at once; a rate of 0 is no limit. Times are milliseconds of a steady clock. */
export const createByteRate = (bytesPerSecond: number): ByteRate => {
  if (bytesPerSecond <= 0) return unlimited;
  let level = bytesPerSecond;
  let at = -Infinity;
  const refill = (now: number): void => {
    level = Math.min(bytesPerSecond, level + ((now - at) * bytesPerSecond) / 1000);
    at = now;
  };
  return {
    take: (bytes, now) => {
      refill(now);
      level -= bytes;
    },
    waitMs: (now) => {
      refill(now);
      return level >= 0 ? 0 : Math.ceil((-level * 1000) / bytesPerSecond);
    },
  };
};
