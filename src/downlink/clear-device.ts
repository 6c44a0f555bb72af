import { messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { DownlinkMetrics } from './metrics.js';
import type { DownlinkLives, DownlinkQueue, StatusOutlet, SubmittedDownlinks } from './ports.js';
import { createReportNotices } from './report-notices.js';
import { createReporter } from './report-status.js';

export interface ClearDeviceOptions {
  readonly queue: Pick<DownlinkQueue, 'clear' | 'forget'>;
  readonly submitted: Pick<SubmittedDownlinks, 'remove'>;
  readonly statuses: StatusOutlet;
  readonly lives: Pick<DownlinkLives, 'note'>;
  readonly metrics: Pick<DownlinkMetrics, 'state'>;
  readonly logger: Logger;
}

/**
 * Deletes what waits for a device, its mailbox included, but not what is being submitted right now; each is reported as `failed` with
 * `downlink_deleted`. Resolves with how many. @throws BridgeError store_unavailable, redis_unavailable
 */
export type ClearDevice = (deviceId: string) => Promise<number>;

export const createClearDevice = ({ queue, submitted, statuses, lives, metrics, logger }: ClearDeviceOptions): ClearDevice => {
  const reportNotices = createReportNotices({ queue, submitted, reporter: createReporter({ statuses, lives, metrics, logger }) });
  return async (deviceId) => {
    const notices = await queue.clear(deviceId);
    // They are gone; what cannot be reported now is reported by the sweep, from the notices that stay.
    await reportNotices(notices).catch((error: unknown) => logger.debug({ dev_eui: deviceId, detail: messageOf(error) }, 'deleted downlinks are reported later'));
    return notices.length;
  };
};
