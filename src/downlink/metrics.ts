import type { Reason } from '../errors.js';
import { inTime } from '../lifecycle.js';
import type { SubmitOutcome } from '../messages/downlink.js';
import type { DownlinkState } from '../messages/message.js';
import type { MetricFamily } from '../metric-family.js';
import type { QueueTotals } from './ports.js';

/** Every state, for the docs and to start each series at zero. */
const states: readonly DownlinkState[] = ['queued', 'submitted', 'sent', 'acknowledged', 'failed', 'expired', 'rejected'];

const receiptResults = ['stored', 'duplicate', 'rejected'] as const;
export type ReceiptResult = (typeof receiptResults)[number];

/** Reasons for which a downlink is rejected. */
const rejectReasons: readonly Reason[] = ['malformed_body', 'invalid_field', 'unknown_device', 'device_not_routed', 'downlink_unsupported', 'downlink_queue_full', 'internal_error'];

/** `known`: the network server had it already, so it was not submitted again. */
export type AttemptResult = SubmitOutcome['kind'] | 'known';
const attemptResults: readonly AttemptResult[] = ['accepted', 'later', 'never', 'unknown', 'known'];

const mailboxResults = ['downlink', 'none', 'repeated', 'unavailable'] as const;
export type MailboxResult = (typeof mailboxResults)[number];

export interface DownlinkMetrics {
  received(connection: string, result: ReceiptResult): void;
  rejected(connection: string, reason: Reason): void;
  state(connection: string, state: DownlinkState): void;
  attempt(networkServer: string, outcome: AttemptResult, seconds?: number): void;
  report(networkServer: string, matched: boolean): void;
  failing(networkServer: string, failing: boolean): void;
  mailbox(networkServer: string, result: MailboxResult): void;
}

export interface DownlinkMetricsOptions {
  readonly connections: MetricFamily;
  readonly networkServers: MetricFamily;
  readonly totals: (connectionId: string) => Promise<QueueTotals>;
  readonly headroom: (connectionId: string) => Promise<number>;
}

const submitBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Longest time a scrape waits for the store, ms; a gauge that could not be read is NaN. */
const readLimitMs = 1_000;

/** Reads that are asked for in the same scrape share one answer. */
const sharedFor = <T>(ms: number, read: (connection: string) => Promise<T>): ((connection: string) => Promise<T | undefined>) => {
  const readings = new Map<string, { readonly at: number; readonly value: Promise<T | undefined> }>();
  return (connection) => {
    const last = readings.get(connection);
    if (last !== undefined && performance.now() - last.at < ms) return last.value;
    const value = inTime(read(connection), readLimitMs).catch(() => undefined);
    readings.set(connection, { at: performance.now(), value });
    return value;
  };
};

const ageSeconds = ({ oldestReceivedAt }: QueueTotals): number => (oldestReceivedAt === undefined ? 0 : Math.max(0, (Date.now() - oldestReceivedAt) / 1000));

/** The gauges of the queue: read when scraped, never kept. */
const queueGauges = ({ connections, totals, headroom }: DownlinkMetricsOptions): void => {
  const readTotals = sharedFor(50, totals);
  const readHeadroom = sharedFor(50, headroom);
  connections.gauge('downlink_queue_depth', 'Downlinks that wait, in the queue and in the mailboxes; NaN while the store cannot be read.', async (connection) => (await readTotals(connection))?.waiting ?? Number.NaN);
  connections.gauge('downlink_oldest_age_seconds', 'Age of the oldest waiting downlink; 0 when there is none.', async (connection) => {
    const read = await readTotals(connection);
    return read === undefined ? Number.NaN : ageSeconds(read);
  });
  connections.gauge('downlink_rate_headroom', 'Downlinks that may leave in this second beyond those of the last one.', async (connection) => (await readHeadroom(connection)) ?? Number.NaN);
};

/** What becomes of downlinks. No series names a device. */
export const createDownlinkMetrics = (options: DownlinkMetricsOptions): DownlinkMetrics => {
  const { connections, networkServers } = options;
  const byState = connections.counterBy('downlinks_total', 'Downlink states that were reported.', { name: 'state', values: states });
  const received = connections.counterBy('downlinks_received_total', 'Downlinks that came from AWS or the API.', { name: 'result', values: receiptResults });
  const rejected = connections.counterBy('downlinks_rejected_total', 'Downlinks that were rejected, by reason.', { name: 'reason', values: rejectReasons });
  const attempts = networkServers.counterBy('downlink_attempts_total', 'Attempts to submit a downlink, by their outcome.', { name: 'outcome', values: attemptResults });
  const reports = networkServers.counterBy('downlink_reports_total', 'Reports of network servers about downlinks, and whether one of the bridge was found for them. One that was found only later counts as both.', { name: 'matched', values: ['yes', 'no'] });
  const mailbox = networkServers.counterBy('mailbox_answers_total', 'Answers to networks that collect downlinks.', { name: 'result', values: mailboxResults });
  const failingNow = new Set<string>();
  networkServers.gauge('downlink_network_server_failing', '1 while the network server takes no downlinks.', (id) => (failingNow.has(id) ? 1 : 0));
  const seconds = networkServers.histogram('downlink_submit_seconds', 'Time of one attempt to submit a downlink.', submitBuckets);
  queueGauges(options);

  return {
    received,
    rejected,
    state: byState,
    attempt(id, outcome, duration) {
      attempts(id, outcome);
      if (duration !== undefined) seconds(id, duration);
    },
    report: (id, matched) => reports(id, matched ? 'yes' : 'no'),
    failing(id, isFailing) {
      if (isFailing) failingNow.add(id);
      else failingNow.delete(id);
    },
    mailbox,
  };
};
