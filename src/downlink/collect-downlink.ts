import { messageOf } from '../errors.js';
import { deadlineIn, inTime, within } from '../lifecycle.js';
import type { Logger } from '../log.js';
import type { NetworkServerKind } from '../messages/message.js';
import type { DownlinkMetrics } from './metrics.js';
import type { Collected, DownlinkLives, DownlinkQueue, Notice, StatusOutlet, SubmittedDownlinks } from './ports.js';
import { createReportNotices } from './report-notices.js';
import { createReporter } from './report-status.js';

export interface MailboxOptions {
  readonly queue: Pick<DownlinkQueue, 'collect' | 'forget'>;
  readonly submitted: Pick<SubmittedDownlinks, 'remove'>;
  readonly statuses: StatusOutlet;
  readonly lives: Pick<DownlinkLives, 'note'>;
  readonly metrics: Pick<DownlinkMetrics, 'mailbox' | 'state'>;
  readonly logger: Logger;
}

/** One request of a device's network for a downlink. */
export interface CollectRequest {
  readonly networkServer: { readonly id: string; readonly kind: NetworkServerKind };
  readonly deviceId: string;
  /** The same when the request comes again. */
  readonly requestId: string;
  /** Known to have come before. */
  readonly again: boolean;
}

export interface Mailbox {
  /** The payload (hex) to answer with. Never throws, and takes 3 s at most: Sigfox waits 10 s for the answer. */
  collect(request: CollectRequest): Promise<string | undefined>;
}

/** Longest time for everything that one answer needs, ms. */
const answerLimitMs = 3_000;
/** How long the answer to a request is remembered, ms: as long as its uplink is known to have come before. */
const rememberMs = 7_200_000;

/** Hands waiting downlinks to networks that collect them. */
export const createMailbox = ({ queue, submitted, statuses, lives, metrics, logger }: MailboxOptions): Mailbox => {
  const reporter = createReporter({ statuses, lives, metrics, logger });
  const reportNotices = createReportNotices({ queue, submitted, reporter });

  /** Rejects also where the store throws at once. */
  const read = async ({ deviceId, requestId, again }: CollectRequest): Promise<Collected> => queue.collect({ deviceId, requestId, again, rememberMs });

  /** What fails here is reported by the sweep, from the notices that stay. */
  const report = (notices: readonly Notice[]): Promise<void> =>
    reportNotices(notices).catch((error: unknown) => logger.debug({ detail: messageOf(error) }, 'a collected downlink is reported later'));

  const unavailable = ({ networkServer, deviceId }: CollectRequest, detail: string): undefined => {
    metrics.mailbox(networkServer.id, 'unavailable');
    logger.warn({ network_server: networkServer.id, dev_eui: deviceId, detail }, 'the mailbox of a device cannot be read, its network gets no downlink');
  };

  /** The answer is gone without it, and the store counts it as handed out: it will not arrive. */
  const missed = ({ notices }: Collected): Promise<void> =>
    report(notices.map((notice) => ({ ...notice, state: 'failed', cause: { code: 'store_unavailable', text: 'the mailbox was read too late for the answer to the network' } })));

  const answer = (request: CollectRequest, { downlink, notices }: Collected): string | undefined => {
    const repeated = downlink !== undefined && notices.length === 0;
    metrics.mailbox(request.networkServer.id, downlink === undefined ? 'none' : repeated ? 'repeated' : 'downlink');
    return downlink?.payload;
  };

  return {
    async collect(request) {
      const deadline = deadlineIn(answerLimitMs);
      const reading = read(request);
      let collected: Collected;
      try {
        collected = await inTime(reading, answerLimitMs);
      } catch (error) {
        reading.then(missed).catch((failure: unknown) => logger.debug({ detail: messageOf(failure) }, 'the mailbox could not be read'));
        return unavailable(request, messageOf(error));
      }
      await within(deadline, report(collected.notices));
      return answer(request, collected);
    },
  };
};
