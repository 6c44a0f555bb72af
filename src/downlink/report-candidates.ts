import { messageOf } from '../errors.js';
import { inTime } from '../lifecycle.js';
import type { Logger } from '../log.js';
import type { DownlinkStatusFields, NetworkServerKind } from '../messages/message.js';
import { matchSubmitted, reportedIds } from './match-submitted.js';
import type { SubmittedDownlink, SubmittedDownlinks } from './ports.js';
import { submissionLimitMs, type UnderWay } from './under-way.js';

/** The network server that reports. */
export interface ReportSender {
  readonly id: string;
  readonly kind: NetworkServerKind;
}

export interface ReportCandidatesOptions {
  readonly submitted: Pick<SubmittedDownlinks, 'of' | 'quiet' | 'early'>;
  /** That of the submission. */
  readonly underWay: UnderWay;
  readonly logger: Logger;
}

/** The downlinks that reports of one document may be about, by device id. Never throws, and waits a few seconds at most. */
export type ReportCandidates = (sender: ReportSender, reports: readonly DownlinkStatusFields[]) => Promise<ReadonlyMap<string, readonly SubmittedDownlink[]>>;

/** How long the store may take, ms: the other messages of the document must not suffer. */
const storeLimitMs = 1_000;

export const createReportCandidates = ({ submitted, underWay, logger }: ReportCandidatesOptions): ReportCandidates => {
  let isUnreadable = false;

  /** A report that names none of the candidates is kept for who has not noted an answer yet, unless that was noted just now. */
  const withEarly = async (sender: ReportSender, candidates: readonly SubmittedDownlink[], reports: readonly DownlinkStatusFields[]): Promise<readonly SubmittedDownlink[]> => {
    let all = candidates;
    for (const fields of reports) {
      const ids = reportedIds(sender.kind, fields);
      if (submitted.early === undefined || ids.length === 0 || matchSubmitted(sender.kind, fields, all) !== undefined) continue;
      const noted = await inTime(submitted.early.keep({ networkServerId: sender.id, fields }, ids), storeLimitMs);
      const names = new Set(noted.map(({ downlink }) => downlink.id));
      all = [...all.filter(({ downlink }) => !names.has(downlink.id)), ...noted];
    }
    return all.filter(({ downlink }) => downlink.networkServer.id === sender.id);
  };

  const unreadable = (sender: ReportSender, error: unknown): void => {
    if (!isUnreadable) logger.warn({ network_server: sender.id, detail: messageOf(error) }, 'reports about downlinks cannot be matched now');
    isUnreadable = true;
  };

  const candidatesOf = async (sender: ReportSender, deviceId: string, reports: readonly DownlinkStatusFields[]): Promise<readonly SubmittedDownlink[]> => {
    await underWay.over(deviceId, submissionLimitMs);
    let candidates: readonly SubmittedDownlink[] = [];
    try {
      await submitted.quiet?.(deviceId, submissionLimitMs);
      candidates = (await inTime(submitted.of(deviceId), storeLimitMs)).filter(({ downlink }) => downlink.networkServer.id === sender.id);
      const all = await withEarly(sender, candidates, reports);
      isUnreadable = false;
      return all;
    } catch (error) {
      unreadable(sender, error);
      return candidates;
    }
  };

  return async (sender, reports) => {
    const devices = [...new Set(reports.map(({ deviceId }) => deviceId))];
    return new Map(await Promise.all(devices.map(async (id) => [id, await candidatesOf(sender, id, reports.filter(({ deviceId }) => deviceId === id))] as const)));
  };
};
