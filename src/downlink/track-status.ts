import { messageOf } from '../errors.js';
import { inTime } from '../lifecycle.js';
import type { Logger } from '../log.js';
import { finalStates, type Downlink } from '../messages/downlink.js';
import type { DownlinkState, DownlinkStatusFields, MessageFields, NetworkServerKind } from '../messages/message.js';
import { lifeOf, stepOf } from './downlink-life.js';
import { matchSubmitted, reportedState } from './match-submitted.js';
import type { DownlinkMetrics } from './metrics.js';
import type { DownlinkLives, DownlinkTarget, SubmittedDownlink, SubmittedDownlinks } from './ports.js';
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
  resolve<Message extends TrackedMessage>(sender: { readonly id: string; readonly kind: NetworkServerKind }, incoming: readonly Message[]): Promise<Resolved<Message>>;
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

/** How long a report waits for a submission of its device, ms: ids of ChirpStack are known only with the answer, and `submitted` comes before `sent`. */
const submissionLimitMs = 2_000;
/** How long the store may take, ms: the other messages of the document must not suffer. */
const storeLimitMs = 1_000;

/** A downlink that reports of one document are about. */
interface Followed {
  readonly before: SubmittedDownlink;
  state: DownlinkState;
  /** More may come although the state is final. */
  mayFollow: boolean;
}

const isReport = (fields: MessageFields): fields is DownlinkStatusFields => fields.type === 'downlink-status';

/** The Things Stack tries again by itself as often as it is set up to, and a downlink_nack need not say whether it will. */
const mayTryAgain = ({ event }: DownlinkStatusFields): boolean => event === 'downlink_nack';

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
  let isUnreadable = false;

  const candidatesOf = async (deviceId: string, networkServerId: string): Promise<readonly SubmittedDownlink[]> => {
    await underWay.over(deviceId, submissionLimitMs);
    try {
      await submitted.quiet?.(deviceId, submissionLimitMs);
      const all = await inTime(submitted.of(deviceId), storeLimitMs);
      isUnreadable = false;
      return all.filter(({ downlink }) => downlink.networkServer.id === networkServerId);
    } catch (error) {
      if (!isUnreadable) logger.warn({ network_server: networkServerId, detail: messageOf(error) }, 'reports about downlinks cannot be matched now');
      isUnreadable = true;
      return [];
    }
  };

  const readCandidates = async (networkServerId: string, incoming: readonly TrackedMessage[]): Promise<ReadonlyMap<string, readonly SubmittedDownlink[]>> => {
    const devices = [...new Set(incoming.flatMap(({ fields }) => (isReport(fields) ? [fields.deviceId] : [])))];
    return new Map(await Promise.all(devices.map(async (id) => [id, await candidatesOf(id, networkServerId)] as const)));
  };

  const isOver = ({ before, state, mayFollow }: Followed): boolean => {
    if (finalStates.has(state)) return !mayFollow;
    const target = targets.get(before.downlink.networkServer.id);
    return (state === 'submitted' || state === 'sent') && target?.reportsAfter(state, before.downlink) === false;
  };

  const settleOne = async (followed: Followed): Promise<void> => {
    const { before, state, mayFollow } = followed;
    const { deviceId, id, connectionId } = before.downlink;
    if (state !== before.state) metrics.state(connectionId, state);
    // An attempt whose answer is still awaited learns from the record that the network server has it.
    if (isOver(followed) && before.state !== 'queued') return submitted.remove(deviceId, id);
    if (state !== before.state && !mayFollow) await submitted.put({ ...before, state });
  };

  const settle = async (followed: Iterable<Followed>): Promise<void> => {
    const results = await Promise.allSettled([...followed].map(settleOne));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  };

  return {
    async resolve(sender, incoming) {
      const candidates = await readCandidates(sender.id, incoming);
      const followed = new Map<string, Followed>();
      const reported: { readonly downlink: Downlink; readonly fields: DownlinkStatusFields }[] = [];

      const current = (deviceId: string): readonly SubmittedDownlink[] =>
        (candidates.get(deviceId) ?? []).map((candidate) => ({ ...candidate, state: followed.get(candidate.downlink.id)?.state ?? candidate.state }));

      const follow = (found: SubmittedDownlink, fields: DownlinkStatusFields): DownlinkState => {
        const before = (candidates.get(fields.deviceId) ?? []).find(({ downlink }) => downlink.id === found.downlink.id) ?? found;
        const state = reportedState(fields.state, found.state);
        followed.set(before.downlink.id, { before, state, mayFollow: finalStates.has(state) && mayTryAgain(fields) });
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
