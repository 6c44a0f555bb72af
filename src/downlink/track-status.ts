import type { Logger } from '../log.js';
import type { Downlink } from '../messages/downlink.js';
import type { DownlinkState, DownlinkStatusFields, MessageFields } from '../messages/message.js';
import { lifeOf, stepOf } from './downlink-life.js';
import { createSettleFollowed, followReport, type Followed } from './follow-report.js';
import { matchSubmitted, reportedState } from './match-submitted.js';
import type { DownlinkMetrics } from './metrics.js';
import type { DownlinkLives, DownlinkTarget, SubmittedDownlink, SubmittedDownlinks } from './ports.js';
import { createReportCandidates, type ReportSender } from './report-candidates.js';
import type { UnderWay } from './under-way.js';

/** What the tracker needs to know of a message of a webhook. */
export interface TrackedMessage {
  readonly fields: MessageFields;
  readonly connectionId?: string;
}

export interface Resolved<Message> {
  /** The messages in their order; a report that belongs to a downlink of the bridge names it, and the connection that it came from. */
  readonly incoming: readonly Message[];
  /** To be called when the messages are durable; remembers how far the downlinks got. @throws BridgeError store_unavailable */
  settled(): Promise<void>;
}

export interface Tracker {
  /** Never throws, and waits a few seconds at most: a report that cannot be matched is published as it is. */
  resolve<Message extends TrackedMessage>(sender: ReportSender, incoming: readonly Message[]): Promise<Resolved<Message>>;
}

export interface TrackerOptions {
  readonly submitted: SubmittedDownlinks;
  readonly lives: Pick<DownlinkLives, 'note'>;
  /** Read at each report: network servers come and go. */
  readonly targets: ReadonlyMap<string, Pick<DownlinkTarget, 'reportsAfter'>>;
  /** That of the submission. */
  readonly underWay: UnderWay;
  readonly metrics: Pick<DownlinkMetrics, 'report' | 'state'>;
  readonly logger: Logger;
  readonly now?: () => number;
}

const isReport = (fields: MessageFields): fields is DownlinkStatusFields => fields.type === 'downlink-status';

const matchedFields = (fields: DownlinkStatusFields, { downlink, attempts }: SubmittedDownlink, state: DownlinkState): DownlinkStatusFields => {
  const fPort = fields.fPort ?? downlink.fPort;
  return {
    ...fields,
    state,
    downlinkId: downlink.id,
    ...(downlink.correlationId === undefined ? {} : { correlationId: downlink.correlationId }),
    attempt: attempts,
    ...(fPort === undefined ? {} : { fPort }),
  };
};

/** Finds the downlinks that the reports of network servers are about. */
export const createTracker = ({ submitted, lives, targets, underWay, metrics, logger, now = Date.now }: TrackerOptions): Tracker => {
  const settleFollowed = createSettleFollowed({ submitted, targets });
  const candidatesOf = createReportCandidates({ submitted, underWay, logger });

  const settleOne = async (one: Followed): Promise<void> => {
    if (one.state !== one.before.state) metrics.state(one.before.downlink.connectionId, one.state);
    await settleFollowed(one);
  };

  const settle = async (followed: Iterable<Followed>): Promise<void> => {
    const results = await Promise.allSettled([...followed].map(settleOne));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  };

  return {
    async resolve(sender, incoming) {
      const candidates = await candidatesOf(sender, incoming.flatMap(({ fields }) => (isReport(fields) ? [fields] : [])));
      const followed = new Map<string, Followed>();
      const reported: { readonly downlink: Downlink; readonly fields: DownlinkStatusFields }[] = [];

      const current = (deviceId: string): readonly SubmittedDownlink[] =>
        (candidates.get(deviceId) ?? []).map((candidate) => ({ ...candidate, state: followed.get(candidate.downlink.id)?.state ?? candidate.state }));

      const follow = (found: SubmittedDownlink, fields: DownlinkStatusFields): DownlinkState => {
        const before = (candidates.get(fields.deviceId) ?? []).find(({ downlink }) => downlink.id === found.downlink.id) ?? found;
        const state = reportedState(fields.state, found.state);
        followed.set(before.downlink.id, followReport(before, state, fields));
        return state;
      };

      const resolved = incoming.map((message) => {
        const { fields } = message;
        if (!isReport(fields)) return message;
        const found = matchSubmitted(sender.kind, fields, current(fields.deviceId));
        metrics.report(sender.id, found !== undefined);
        if (found === undefined) return message;
        const matched = matchedFields(fields, found, follow(found, fields));
        reported.push({ downlink: found.downlink, fields: matched });
        return { ...message, fields: matched, connectionId: found.downlink.connectionId };
      });
      return {
        incoming: resolved,
        settled() {
          for (const { downlink, fields } of reported) lives.note(lifeOf(downlink), stepOf(fields, now()));
          return settle(followed.values());
        },
      };
    },
  };
};
