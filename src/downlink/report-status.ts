import { backoffMs, type Backoff } from '../backoff.js';
import { BridgeError, messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import { lifeOf, stepOf } from './downlink-life.js';
import { rejectedStatus, rejectionKey, statusKey, statusOf, type RejectionReport, type StatusReport } from './downlink-status.js';
import type { DownlinkMetrics } from './metrics.js';
import type { DownlinkLife, DownlinkLives, StatusOutlet } from './ports.js';

export interface ReporterOptions {
  readonly statuses: StatusOutlet;
  readonly lives: Pick<DownlinkLives, 'note'>;
  readonly metrics: Pick<DownlinkMetrics, 'state'>;
  readonly logger: Logger;
  readonly now?: () => number;
  readonly random?: () => number;
}

export interface Reporter {
  /** Resolves when the status is durable. @throws BridgeError outbox_full, store_unavailable, stopping */
  publish(report: StatusReport): Promise<void>;
  /** The same for a state that may have been reported before: it is not counted. */
  publishAgain(report: StatusReport): Promise<void>;
  /** The same for a downlink that was refused. */
  reject(report: RejectionReport): Promise<void>;
  /** The same, tried again until it is durable; false when the reporter was closed before. Never throws. */
  publishSurely(report: StatusReport): Promise<boolean>;
  /** Gives up what is still tried. */
  close(): void;
}

/** Pause before a status that the outbox did not take is offered again. */
const outletBackoff: Backoff = { minMs: 200, maxMs: 5_000 };

/** Brings changes of state into the outbox; each one that got there is counted, and noted in the downlink's life. */
export const createReporter = ({ statuses, lives, metrics, logger, now = Date.now, random = Math.random }: ReporterOptions): Reporter => {
  const pauses = new Map<NodeJS.Timeout, () => void>();
  let closed = false;
  let refusedFor: string | undefined;

  const bring = async (status: Parameters<StatusOutlet['publish']>[0], life: Omit<DownlinkLife, 'steps'>, at: number): Promise<void> => {
    await statuses.publish(status);
    lives.note(life, stepOf(status.fields, at));
    refusedFor = undefined;
  };

  const publishAgain = async (report: StatusReport): Promise<void> => {
    const { connectionId, networkServer } = report.downlink;
    const at = now();
    await bring({ connectionId, networkServer, fields: statusOf(report, at), key: statusKey(report) }, lifeOf(report.downlink), at);
  };

  const publish = async (report: StatusReport): Promise<void> => {
    await publishAgain(report);
    metrics.state(report.downlink.connectionId, report.state);
  };

  const reject = async (report: RejectionReport): Promise<void> => {
    const { id, connectionId, deviceId, networkServer, correlationId } = report;
    const at = now();
    const life = { downlinkId: id, connectionId, deviceId, ...(correlationId === undefined ? {} : { correlationId }), ...(networkServer === undefined ? {} : { networkServerId: networkServer.id }) };
    await bring({ connectionId, ...(networkServer === undefined ? {} : { networkServer }), fields: rejectedStatus(report, at), key: rejectionKey(report) }, life, at);
    metrics.state(connectionId, 'rejected');
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
    publishAgain,
    reject,
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
