/** Limits of one MQTT session; 0 = none. */
export interface PaceLimits {
  readonly publishesPerSecond: number;
  readonly bytesPerSecond: number;
}

/** Decides when the next publish may leave, so that AWS never has to discard or delay one. Times are ms of a monotonic clock. */
export interface Pace {
  /** Milliseconds until the next publish may leave; 0 = now. */
  waitMs(now: number): number;
  /** Books one publish. */
  take(now: number, bytes: number): void;
}

/** AWS counts what arrives; packets sent evenly can arrive closer together, so a little less than the limit is used. */
const usedShare = 0.95;
const windowMs = 1_000 / usedShare;
/** Publishes that may leave at once after a pause, as a share of a second's limit. */
const burstShare = 0.1;

/** No more than `limit` in any second, and spread over it: what a stall on the way pushes together stays below the limit. */
const createCountPace = (limit: number): Pace => {
  const sentAt = new Float64Array(limit).fill(Number.NEGATIVE_INFINITY);
  const burst = Math.max(1, limit * burstShare);
  const perMs = (limit * usedShare) / 1_000;
  let next = 0;
  let tokens = burst;
  let filledAt = 0;
  const tokensAt = (now: number): number => Math.min(burst, tokens + (now - filledAt) * perMs);
  return {
    waitMs(now) {
      const window = (sentAt[next] ?? 0) + windowMs - now;
      const bucket = (1 - tokensAt(now)) / perMs;
      return Math.max(0, window, bucket);
    },
    take(now) {
      tokens = tokensAt(now) - 1;
      filledAt = now;
      sentAt[next] = now;
      next = (next + 1) % limit;
    },
  };
};

/** Bytes may overdraw by one publish and are then paid back: AWS delays what is above the throughput, it does not discard it. */
const createBytePace = (bytesPerSecond: number): Pace => {
  const burst = bytesPerSecond / 4;
  const perMs = (bytesPerSecond * usedShare) / 1_000;
  let tokens = burst;
  let filledAt = 0;
  const tokensAt = (now: number): number => Math.min(burst, tokens + (now - filledAt) * perMs);
  return {
    waitMs: (now) => Math.max(0, -tokensAt(now) / perMs),
    take(now, bytes) {
      tokens = tokensAt(now) - bytes;
      filledAt = now;
    },
  };
};

/** The pace of one session, or of an account over all sessions ("Publish requests per second per connection" 100 and "Throughput per second per connection" 512 KiB, AWS IoT Core quotas). */
export const createPace = ({ publishesPerSecond, bytesPerSecond }: PaceLimits): Pace => {
  const paces = [...(publishesPerSecond > 0 ? [createCountPace(publishesPerSecond)] : []), ...(bytesPerSecond > 0 ? [createBytePace(bytesPerSecond)] : [])];
  return {
    waitMs(now) {
      let wait = 0;
      for (const pace of paces) wait = Math.max(wait, pace.waitMs(now));
      return wait;
    },
    take(now, bytes) {
      for (const pace of paces) pace.take(now, bytes);
    },
  };
};
