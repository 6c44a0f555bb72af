import { backoffMs, type Backoff } from '../backoff.js';
import { BridgeError, messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import { statusKey, statusOf, type StatusReport } from './downlink-status.js';
import type { DownlinkMetrics } from './metrics.js';
import type { StatusOutlet } from './ports.js';

export interface ReporterOptions {
  readonly statuses: StatusOutlet;
  readonly metrics: Pick<DownlinkMetrics, 'state'>;
  readonly logger: Logger;
  readonly now?: () => number;
  readonly random?: () => number;
}

export interface Reporter {
  /** Resolves when the status is durable. @throws BridgeError outbox_full, store_unavailable, stopping */
  publish(report: StatusReport): Promise<void>;
  /** The same, tried again until it is durable; false when the reporter was closed before. Never throws. */
  publishSurely(report: StatusReport): Promise<boolean>;
  /** Gives up what is still tried. */
  close(): void;
}

/** Pause before a status that the outbox did not take is offered again. */
const outletBackoff: Backoff = { minMs: 200, maxMs: 5_000 };

/** Brings changes of state into the outbox, and counts each one that got there. */
export const createReporter = ({ statuses, metrics, logger, now = Date.now, random = Math.random }: ReporterOptions): Reporter => {
  const pauses = new Map<NodeJS.Timeout, () => void>();
  let closed = false;
  let refusedFor: string | undefined;

  const publish = async (report: StatusReport): Promise<void> => {
    const { connectionId, networkServer } = report.downlink;
    await statuses.publish({ connectionId, networkServer, fields: statusOf(report, now()), key: statusKey(report) });
    metrics.state(connectionId, report.state);
    refusedFor = undefined;
  };

  const refused = (error: unknown): void => {
    const reason = error instanceof BridgeError ? error.reason : 'internal_error';
    if (reason === refusedFor) return;
    refusedFor = reason;
    logger.warn({ reason, detail: messageOf(error) }, 'the status of a downlink cannot be stored, trying again');
  };

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => {
        pauses.delete(timer);
        resolve();
      }, ms);
      pauses.set(timer, resolve);
    });

  return {
    publish,
    async publishSurely(report) {
      for (let failures = 0; !closed; failures += 1) {
        try {
          await publish(report);
          return true;
        } catch (error) {
          refused(error);
        }
        if (!closed) await pause(backoffMs(outletBackoff, failures, random));
      }
      return false;
    },
    close() {
      closed = true;
      for (const [timer, resolve] of pauses) {
        clearTimeout(timer);
        resolve();
      }
      pauses.clear();
    },
  };
};
