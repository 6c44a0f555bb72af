import { messageOf } from '../errors.js';
import { within, type Deadline } from '../lifecycle.js';
import type { Logger } from '../log.js';
import type { DownlinkQueue } from './ports.js';
import type { ReportNotices } from './report-notices.js';

export interface SweepOptions {
  readonly queue: Pick<DownlinkQueue, 'expire' | 'notices'>;
  readonly reportNotices: ReportNotices;
  readonly logger: Logger;
}

/** Reports what the store does by itself: what expired, and what nobody got to report. */
export interface Sweep {
  start(): void;
  close(deadline: Deadline): Promise<void>;
}

/** How often is looked for what expired, ms: the validity time holds to the second. */
const expiryPeriodMs = 500;
/** How often is looked for notices that were left over, and how old they are then, ms. */
const leftoverPeriodMs = 10_000;

/** Repeats some work with a pause after each time; a failure is told once until it changes. */
const createRepeated = (work: () => Promise<void>, periodMs: number, logger: Logger): Sweep => {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let closed = false;
  let failure: string | undefined;

  const told = (error: unknown): void => {
    const detail = messageOf(error);
    if (detail !== failure) logger.warn({ detail }, 'the states of waiting downlinks cannot be reported, trying again');
    failure = detail;
  };

  const run = (): void => {
    running = work()
      .then(() => (failure = undefined), told)
      .then(() => {
        if (!closed) timer = setTimeout(run, periodMs);
      });
  };

  return {
    start: run,
    async close(deadline) {
      closed = true;
      clearTimeout(timer);
      await within(deadline, running);
    },
  };
};

export const createSweep = ({ queue, reportNotices, logger }: SweepOptions): Sweep => {
  let isFirst = true;
  const leftovers = async (): Promise<void> => {
    const olderThanMs = isFirst ? 0 : leftoverPeriodMs;
    await reportNotices(await queue.notices(olderThanMs));
    isFirst = false;
  };
  const repeated = [
    createRepeated(async () => reportNotices(await queue.expire()), expiryPeriodMs, logger),
    createRepeated(leftovers, leftoverPeriodMs, logger),
  ];
  return {
    start: () => repeated.forEach((one) => one.start()),
    async close(deadline) {
      await Promise.all(repeated.map((one) => one.close(deadline)));
    },
  };
};
