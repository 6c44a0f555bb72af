export interface PoolSizeOptions {
  readonly maxSessions: number;
  /** Publishes a second one session may carry; 0 = as many as it can. */
  readonly publishesPerSecond: number;
  /** How long fewer sessions must have been enough before the surplus is given back, ms. */
  readonly idleAfterMs: number;
}

/** Decides how many sessions the load wants. */
export interface PoolSize {
  published(): void;
  /** Whether records that find no room are worth one more session. */
  shouldGrow(waiting: number, open: number, now: number): boolean;
  /** How many of the open sessions are no longer needed. */
  surplus(open: number, now: number): number;
}

/** Share of a session's quota that is planned with; above it the pool keeps one more. */
const plannedShare = 0.85;
/** Without a quota: publishes a second that one session is taken to carry. */
const unpacedPerSession = 1_500;
/** A shortage shorter than this is a burst, ms. */
const shortageMs = 100;
/** A pause of this length ends a shortage, ms. */
const reliefMs = 500;

export const createPoolSize = ({ publishesPerSecond, idleAfterMs }: PoolSizeOptions): PoolSize => {
  const perSession = (publishesPerSecond > 0 ? publishesPerSecond : unpacedPerSession) * plannedShare;
  let count = 0;
  let measuredAt = performance.now();
  let enoughSince: number | undefined;
  let shortSince: number | undefined;
  let shortLast = 0;

  const neededFor = (ratePerSecond: number): number => Math.max(1, Math.ceil(ratePerSecond / perSession));

  return {
    published() {
      count += 1;
    },
    shouldGrow(waiting, open, now) {
      if (open === 0) return true;
      if (shortSince === undefined || now - shortLast > reliefMs) shortSince = now;
      shortLast = now;
      return now - shortSince >= shortageMs || waiting >= perSession;
    },
    surplus(open, now) {
      const rate = (count * 1_000) / Math.max(1, now - measuredAt);
      count = 0;
      measuredAt = now;
      const surplus = open - neededFor(rate);
      if (surplus <= 0) {
        enoughSince = undefined;
        return 0;
      }
      enoughSince ??= now;
      if (now - enoughSince < idleAfterMs) return 0;
      enoughSince = undefined;
      return surplus;
    },
  };
};
