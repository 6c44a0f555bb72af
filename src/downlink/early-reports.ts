import { setTimeout as pause } from 'node:timers/promises';
import { backoffMs, type Backoff } from '../backoff.js';
import { messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import { createSettleFollowed, followReport, type Followed } from './follow-report.js';
import { matchSubmitted, reportedIds, reportedState } from './match-submitted.js';
import type { DownlinkMetrics } from './metrics.js';
import type { DownlinkTarget, EarlyReport, EarlyReports, SubmittedDownlink, SubmittedDownlinks } from './ports.js';
import type { Reporter } from './report-status.js';

export interface TellEarlyOptions {
  readonly submitted: SubmittedDownlinks;
  readonly targets: ReadonlyMap<string, Pick<DownlinkTarget, 'reportsAfter'>>;
  readonly reporter: Pick<Reporter, 'publishSurely'>;
  readonly metrics: Pick<DownlinkMetrics, 'report'>;
  readonly logger: Logger;
  readonly random: () => number;
}

/** What was reported about a downlink before its answer was noted. */
export interface TellEarly {
  /**
   * Tells what is kept about a downlink that was noted and reported as submitted. While the store is away it is told later.
   * False when the process stops before it could be told: then it is to be asked for again. Never throws.
   */
  tell(submitted: SubmittedDownlink): Promise<boolean>;
  /** Gives up what is still tried. */
  close(): void;
}

/** Between two looks at a store that is away. */
const lookAgain: Backoff = { minMs: 100, maxMs: 2_000 };

/** Only ids tell whose a report is that came at another time. */
const isAbout = ({ networkServerId, fields }: EarlyReport, one: SubmittedDownlink): boolean => {
  const { id, kind } = one.downlink.networkServer;
  return networkServerId === id && reportedIds(kind, fields).length > 0 && matchSubmitted(kind, fields, [one]) !== undefined;
};

/** The reports go the way of others: told first and forgotten then, so that a process that is killed in between tells them again, under the same ids. */
export const createTellEarly = ({ submitted, targets, reporter, metrics, logger, random }: TellEarlyOptions): TellEarly => {
  const settle = createSettleFollowed({ submitted, targets });
  let closed = false;

  /** False when the reporter was closed before. */
  const follow = async (followed: Followed, { fields }: EarlyReport): Promise<Followed | undefined> => {
    const { downlink, attempts } = followed.before;
    const state = reportedState(fields.state, followed.state);
    if (state !== followed.state && !(await reporter.publishSurely({ downlink, state, attempt: attempts, reported: fields }))) return undefined;
    metrics.report(downlink.networkServer.id, true);
    return followReport(followed.before, state, fields);
  };

  const tellKept = async (early: EarlyReports, one: SubmittedDownlink): Promise<boolean> => {
    const reports = (await early.of(one.downlink.id)).filter((report) => isAbout(report, one));
    if (reports.length === 0) return true;
    let followed: Followed | undefined = { before: one, state: one.state, mayFollow: false };
    for (const report of reports) {
      followed = await follow(followed, report);
      if (followed === undefined) return false;
    }
    await settle(followed);
    await early.forget(one.downlink.id, reports);
    return true;
  };

  const tellLater = async (early: EarlyReports, one: SubmittedDownlink): Promise<void> => {
    for (let failures = 0; !closed; failures += 1) {
      await pause(backoffMs(lookAgain, failures, random), undefined, { ref: false });
      try {
        await tellKept(early, one);
        return;
      } catch {
        // Away still.
      }
    }
  };

  return {
    async tell(one) {
      const { early } = submitted;
      const { deviceId, networkServer } = one.downlink;
      if (early === undefined || targets.get(networkServer.id)?.reportsAfter('submitted', one.downlink) === false) return true;
      try {
        return await tellKept(early, one);
      } catch (error) {
        logger.debug({ dev_eui: deviceId, network_server: networkServer.id, detail: messageOf(error) }, 'what was reported about a downlink before its answer cannot be looked for, trying again');
        void tellLater(early, one);
        return true;
      }
    },
    close() {
      closed = true;
    },
  };
};
