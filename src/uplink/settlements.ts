import type { Logger } from '../log.js';
import type { UplinkMetrics } from './metrics.js';
import type { Outbox, Settlement } from './ports.js';

export interface SettlementsOptions {
  readonly connectionId: string;
  readonly outbox: Pick<Outbox, 'settle'>;
  readonly metrics: Pick<UplinkMetrics, 'delivered' | 'expired' | 'parked'>;
  readonly logger: Logger;
}

/** Gathers what was settled in one event-loop turn into one write, and counts it when it is durable. */
export interface Settlements {
  add(settlement: Settlement): void;
  /** Forgets what was added and is not written. */
  drop(): void;
  /** Writes what was added. */
  flush(): void;
  /** Resolves when everything that was flushed is written. */
  written(): Promise<void>;
}

export const createSettlements = ({ connectionId, outbox, metrics, logger }: SettlementsOptions): Settlements => {
  const underWay = new Set<Promise<void>>();
  let gathered: Settlement[] = [];

  const count = (batch: readonly Settlement[]): void => {
    const now = Date.now();
    for (const settlement of batch) {
      if (settlement.outcome === 'parked') metrics.parked(connectionId, settlement.reason);
      else if (settlement.outcome === 'delivered') metrics.delivered(connectionId, (now - settlement.record.acceptedAt) / 1000);
      else metrics.expired(connectionId);
    }
  };

  return {
    add: (settlement) => void gathered.push(settlement),
    drop: () => void (gathered = []),
    flush() {
      if (gathered.length === 0) return;
      const batch = gathered;
      gathered = [];
      const work = outbox
        .settle(batch)
        .then(() => count(batch))
        .catch((error: unknown) => logger.error({ connection_id: connectionId, err: error }, 'settling failed'))
        .finally(() => underWay.delete(work));
      underWay.add(work);
    },
    written: () => Promise.all(underWay).then(() => undefined),
  };
};
