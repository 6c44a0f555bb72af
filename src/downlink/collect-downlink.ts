import { messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { NetworkServerKind } from '../messages/message.js';
import type { DownlinkMetrics } from './metrics.js';
import type { Collected, DownlinkQueue, Notice, StatusOutlet, SubmittedDownlinks } from './ports.js';
import { createReportNotices } from './report-notices.js';
import { createReporter } from './report-status.js';

export interface MailboxOptions {
  readonly queue: Pick<DownlinkQueue, 'collect' | 'forget'>;
  readonly submitted: Pick<SubmittedDownlinks, 'remove'>;
  readonly statuses: StatusOutlet;
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

const late = Symbol('late');

const timeLimit = (ms: number): { readonly reached: Promise<typeof late>; readonly clear: () => void } => {
  let timer: NodeJS.Timeout | undefined;
  const reached = new Promise<typeof late>((resolve) => {
    timer = setTimeout(() => resolve(late), ms);
  });
  return { reached, clear: () => clearTimeout(timer) };
};

/** Hands waiting downlinks to networks that collect them. */
export const createMailbox = ({ queue, submitted, statuses, metrics, logger }: MailboxOptions): Mailbox => {
  const reporter = createReporter({ statuses, metrics, logger });
  const reportNotices = createReportNotices({ queue, submitted, reporter });

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
      const { deviceId, requestId, again } = request;
      const limit = timeLimit(answerLimitMs);
      try {
        const reading = queue.collect({ deviceId, requestId, again, rememberMs });
        const collected = await Promise.race([reading, limit.reached]);
        if (collected === late) {
          reading.then(missed).catch((error: unknown) => logger.debug({ detail: messageOf(error) }, 'the mailbox could not be read'));
          return unavailable(request, `no answer within ${answerLimitMs} ms`);
        }
        await Promise.race([report(collected.notices), limit.reached]);
        return answer(request, collected);
      } catch (error) {
        return unavailable(request, messageOf(error));
      } finally {
        limit.clear();
      }
    },
  };
};
