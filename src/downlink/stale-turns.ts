/** Tells turns whose moment is past. */
export interface StaleTurns {
  /** Whether a downlink that had to leave by `leaveBy` (monotonic ms) has to be given its moment anew. Says so only a few times in a row for one. */
  isStale(id: string, leaveBy: number | undefined): boolean;
}

/** A store that is slow all the time must not keep downlinks from leaving. */
const mostInARow = 3;

/**
 * Between the moment that the queue gave a downlink and its leaving, stores are asked. Where several bridges share one rate and the store stands still,
 * all that have their moment would leave together when it goes on, beside those whose moment comes then. So what is too late goes back.
 * What has no time to leave by is never stale.
 */
export const createStaleTurns = (): StaleTurns => {
  const inARow = new Map<string, number>();
  return {
    isStale(id, leaveBy) {
      const before = inARow.get(id) ?? 0;
      const stale = leaveBy !== undefined && before < mostInARow && performance.now() > leaveBy;
      if (stale) inARow.set(id, before + 1);
      else inARow.delete(id);
      return stale;
    },
  };
};
