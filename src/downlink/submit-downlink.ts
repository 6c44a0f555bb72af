import { backoffMs } from '../backoff.js';
import { BridgeError, messageOf } from '../errors.js';
import { within, type Deadline } from '../lifecycle.js';
import type { Logger } from '../log.js';
import type { DeviceAddress, Downlink, DownlinkCause } from '../messages/downlink.js';
import { createConclusions } from './conclude-downlink.js';
import { createTellEarly } from './early-reports.js';
import type { DownlinkMetrics } from './metrics.js';
import { createNetworkServerStates } from './network-server-states.js';
import type { FailingNetworkServer } from './network-server-state.js';
import type { Devices, DownlinkLives, DownlinkQueue, DownlinkTarget, Moment, Notice, QueuedDownlink, QueueWork, StatusOutlet, SubmittedDownlinks, Verdict } from './ports.js';
import { createRemovedTargets } from './removed-targets.js';
import { createReportNotices } from './report-notices.js';
import { createReporter } from './report-status.js';
import { createSendGate } from './send-gate.js';
import { createSend } from './send-downlink.js';
import { storeBackoff, untilValidity } from './retry.js';
import { createSubmissionMemory } from './submission-memory.js';
import { createSweep } from './sweep.js';
import { createUnderWay, type UnderWay } from './under-way.js';

export interface SubmissionOptions {
  readonly queue: Pick<DownlinkQueue, 'start' | 'expire' | 'notices' | 'forget'>;
  readonly submitted: SubmittedDownlinks;
  readonly devices: Pick<Devices, 'find'>;
  readonly statuses: StatusOutlet;
  readonly lives: Pick<DownlinkLives, 'note'>;
  /** Read for each downlink: network servers come and go, and a changed one is another object. */
  readonly targets: ReadonlyMap<string, DownlinkTarget>;
  /** How long downlinks wait for a network server that is not configured any more before they fail, ms. */
  readonly removedGraceMs?: number;
  readonly metrics: Pick<DownlinkMetrics, 'state' | 'attempt' | 'failing' | 'report'>;
  /** Downlinks of a connection that may leave in any second. */
  readonly ratePerSecond: (connectionId: string) => number;
  readonly logger: Logger;
  readonly now?: () => number;
  /** Ms of a monotonic clock. */
  readonly clock?: () => number;
  readonly random?: () => number;
}

/** Carries what the queue hands out to the network servers, and reports every state. */
export interface Submission {
  readonly work: QueueWork;
  /** For who matches reports: waits for what is under way. */
  readonly underWay: UnderWay;
  /** Begins to take from the queue, and to report what it does by itself. */
  start(): void;
  /** The network servers that take nothing at the moment. */
  failing(): readonly FailingNetworkServer[];
  /** Submits nothing more and waits for what is under way. */
  close(deadline: Deadline): Promise<void>;
}

/** How long a queue that still asks is held while the process stops, ms. */
const closingHoldMs = 1_000;
/** Default of `removedGraceMs`: enough to remove a network server and make it again, and for every replica to learn of a new one. */
const usualGraceMs = 60_000;
/** How often a downlink looks whether its network server is back, ms. */
const removedLookMs = 2_000;

export const createSubmission = (options: SubmissionOptions): Submission => {
  const { queue, submitted, devices, statuses, lives, targets, metrics, logger, removedGraceMs = usualGraceMs, now = Date.now, clock = () => performance.now(), random = Math.random } = options;
  const states = createNetworkServerStates({ targets, metrics, logger, now, clock, random });
  const removed = createRemovedTargets({ targets, graceMs: removedGraceMs, clock });
  const reporter = createReporter({ statuses, lives, metrics, logger, now, random });
  const memory = createSubmissionMemory({ submitted, logger, now, random });
  const early = createTellEarly({ submitted, targets, reporter, metrics, logger, random });
  const underWay = createUnderWay();
  const running = new Set<Promise<Verdict>>();
  let closing = false;
  let storeTrouble: string | undefined;

  /** An expired downlink may have waited for a network server that fails: then that is why. */
  const explain = ({ downlink, state }: Pick<Notice, 'downlink' | 'state'>): DownlinkCause | undefined => {
    if (state !== 'expired') return undefined;
    if (!targets.has(downlink.networkServer.id)) return { code: 'expired', text: `the validity time ended while the network server ${downlink.networkServer.id} was not configured` };
    const failing = states.of(downlink.networkServer.id)?.failing();
    return { code: 'expired', text: failing === undefined ? 'the validity time ended' : `the validity time ended while the network server failed: ${failing.reason}: ${failing.detail}` };
  };

  const sweep = createSweep({ queue, reportNotices: createReportNotices({ queue, submitted, reporter, explain }), logger });

  const again = ({ downlink, attempts }: QueuedDownlink, afterMs: number): Verdict => ({ kind: 'retry', afterMs: untilValidity(afterMs, downlink, now()), attempts });

  const removedHoldOf = (networkServerId: string): number => Math.min(removed.graceMs(networkServerId), removedLookMs * (1 - random() / 2));

  const holdOf = ({ id, networkServer }: Downlink): number => {
    if (closing) return closingHoldMs;
    const removedMs = removedHoldOf(networkServer.id);
    return removedMs > 0 ? removedMs : (states.of(networkServer.id)?.holdMs(id) ?? 0);
  };

  const addressOf = async ({ deviceId, networkServer }: Downlink): Promise<DeviceAddress> => {
    const record = await devices.find(deviceId);
    return record?.networkServerId === networkServer.id ? record.address : {};
  };

  const conclusions = createConclusions({ reporter, memory, early, again });
  const send = createSend({ targets, states, gate: createSendGate(options.ratePerSecond), memory, conclusions, again, holdOf, metrics, now, clock, random });

  /** Removed, it may come back for a while; then the downlink fails, because others of its device wait behind it. */
  const targetless = async (queued: QueuedDownlink): Promise<Verdict> => {
    const { id } = queued.downlink.networkServer;
    const holdMs = removedHoldOf(id);
    if (holdMs > 0) return again(queued, holdMs);
    return conclusions.concludeForGood(queued, { state: 'failed', attempt: queued.attempts, cause: { code: 'downlink_unsupported', text: `the network server ${id} is not configured any more` } });
  };

  const submitOne = async (queued: QueuedDownlink, moment: Moment | undefined): Promise<Verdict> => {
    const { downlink, attempts } = queued;
    if (closing) return again(queued, closingHoldMs);
    const known = await memory.known(downlink);
    if (known !== undefined) {
      metrics.attempt(downlink.networkServer.id, 'known');
      return conclusions.concludeKnown(queued, known);
    }
    if (downlink.validUntil <= now()) return conclusions.concludeForGood(queued, { state: 'expired', attempt: attempts, cause: explain({ downlink, state: 'expired' }) });
    const target = targets.get(downlink.networkServer.id);
    if (target === undefined) return targetless(queued);
    return send({ downlink, attempts, target, moment }, await addressOf(downlink));
  };

  /** Nothing was sent, because the store could not be asked. */
  const storeFailed = (queued: QueuedDownlink, error: unknown): Verdict => {
    const reason = error instanceof BridgeError ? error.reason : 'internal_error';
    if (reason !== storeTrouble) logger.warn({ reason, detail: messageOf(error) }, 'downlinks cannot be submitted, trying again');
    storeTrouble = reason;
    return again(queued, backoffMs(storeBackoff, queued.attempts, random));
  };

  const submit = async (queued: QueuedDownlink, moment: Moment | undefined): Promise<Verdict> => {
    const over = underWay.begin(queued.downlink.deviceId);
    try {
      const verdict = await submitOne(queued, moment);
      storeTrouble = undefined;
      return verdict;
    } catch (error) {
      return storeFailed(queued, error);
    } finally {
      over();
    }
  };

  const allOver = (): Promise<void> => Promise.all(running).then(() => undefined);

  const work: QueueWork = {
    holdMs: holdOf,
    submit(queued, moment) {
      const verdict = submit(queued, moment).finally(() => running.delete(verdict));
      running.add(verdict);
      return verdict;
    },
  };

  return {
    work,
    underWay,
    start() {
      queue.start(work);
      sweep.start();
    },
    failing: () => states.failing(),
    async close(deadline) {
      closing = true;
      await sweep.close(deadline);
      // A status that cannot be stored is tried for half of the time that is left; then the downlink stays in the queue.
      await within({ remaining: () => deadline.remaining() / 2 }, allOver());
      reporter.close();
      early.close();
      await within(deadline, allOver());
    },
  };
};
