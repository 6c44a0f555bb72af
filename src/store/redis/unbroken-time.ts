/**
 * How long Redis has answered without a break. A lease that ran out tells that its holder is gone only when the holder could have renewed it:
 * not while Redis was away, and not when its clock, by which leases end, was put forward.
 */
export interface UnbrokenTime {
  /** An answer came. `at`: ms of a clock that goes forward; `redisAt`: ms of the clock of Redis. */
  answered(at: number, redisAt: number): void;
  /** The connection was lost. */
  broken(): void;
  /** Whether it has lasted for a whole lease. */
  suffices(at: number): boolean;
}

export const createUnbrokenTime = (leaseMs: number): UnbrokenTime => {
  /** Answers come every third of a lease; one that comes so late may have left others without theirs. */
  const longestGapMs = (leaseMs * 2) / 3;
  const longestStepMs = leaseMs / 3;
  let since = Number.POSITIVE_INFINITY;
  let last: { readonly at: number; readonly ahead: number } | undefined;
  return {
    answered(at, redisAt) {
      const ahead = redisAt - at;
      const unbroken = last !== undefined && at - last.at <= longestGapMs && Math.abs(ahead - last.ahead) <= longestStepMs;
      if (!unbroken) since = at;
      last = { at, ahead };
    },
    broken() {
      last = undefined;
    },
    suffices: (at) => last !== undefined && at - since >= leaseMs,
  };
};
