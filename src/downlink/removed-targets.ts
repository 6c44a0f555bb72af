import type { DownlinkTarget } from './ports.js';

/** Network servers that are not configured any more, and for how long their downlinks still wait. */
export interface RemovedTargets {
  /** 0 where it is there, or was away for so long that it will not come back. */
  graceMs(networkServerId: string): number;
}

export interface RemovedTargetsOptions {
  readonly targets: ReadonlyMap<string, Pick<DownlinkTarget, 'id'>>;
  readonly graceMs: number;
  /** Ms of a monotonic clock. */
  readonly clock: () => number;
}

/**
 * A network server may be removed and made again, and a replica may see a downlink for one before it learns of it: so downlinks wait
 * for a while. Not for longer, because later downlinks of a device that moved to another network server wait behind them.
 */
export const createRemovedTargets = ({ targets, graceMs, clock }: RemovedTargetsOptions): RemovedTargets => {
  const missedSince = new Map<string, number>();
  return {
    graceMs(id) {
      if (targets.has(id)) {
        missedSince.delete(id);
        return 0;
      }
      const since = missedSince.get(id) ?? clock();
      missedSince.set(id, since);
      return Math.max(0, since + graceMs - clock());
    },
  };
};
