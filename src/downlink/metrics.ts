import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Reason } from '../errors.js';
import type { SubmitOutcome } from '../messages/downlink.js';
import { inTime } from '../lifecycle.js';
import type { DownlinkState } from '../messages/message.js';
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
  readonly registry: Registry;
  readonly connections: readonly string[];
  readonly networkServers: readonly string[];
  readonly totals: (connectionId: string) => Promise<QueueTotals>;
  readonly headroom: (connectionId: string) => Promise<number>;
}

const prefix = 'lpwan_bridge_';
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
const queueGauges = ({ registry, connections, totals, headroom }: DownlinkMetricsOptions): void => {
  const readTotals = sharedFor(50, totals);
  const readHeadroom = sharedFor(50, headroom);
  const gauge = (name: string, help: string, read: (connection: string) => Promise<number | undefined>): Gauge =>
    new Gauge({
      name: `${prefix}${name}`,
      help,
      labelNames: ['connection'],
      registers: [registry],
      async collect() {
        const values = await Promise.all(connections.map(read));
        connections.forEach((connection, index) => this.set({ connection }, values[index] ?? Number.NaN));
      },
    });
  gauge('downlink_queue_depth', 'Downlinks that wait, in the queue and in the mailboxes; NaN while the store cannot be read.', async (connection) => (await readTotals(connection))?.waiting);
  gauge('downlink_oldest_age_seconds', 'Age of the oldest waiting downlink; 0 when there is none.', async (connection) => {
    const read = await readTotals(connection);
    return read === undefined ? undefined : ageSeconds(read);
  });
  gauge('downlink_rate_headroom', 'Downlinks that may leave in this second beyond those of the last one.', readHeadroom);
};

type LabelName = 'connection' | 'network_server';

/** A counter with a series for each id and each value, all at zero. */
const counter = <Value extends string>(registry: Registry, spec: { readonly name: string; readonly help: string; readonly label: LabelName; readonly ids: readonly string[]; readonly by: string; readonly values: readonly Value[] }): ((id: string, value: Value) => void) => {
  const { name, help, label, by } = spec;
  const metric = new Counter({ name: `${prefix}${name}`, help, labelNames: [label, by], registers: [registry] });
  for (const id of spec.ids) for (const value of spec.values) metric.inc({ [label]: id, [by]: value }, 0);
  return (id, value) => metric.inc({ [label]: id, [by]: value });
};

/** What becomes of downlinks. Every series starts at zero, and none names a device. */
export const createDownlinkMetrics = (options: DownlinkMetricsOptions): DownlinkMetrics => {
  const { registry, connections, networkServers } = options;
  const connection = { label: 'connection', ids: connections } as const;
  const networkServer = { label: 'network_server', ids: networkServers } as const;
  const byState = counter(registry, { ...connection, name: 'downlinks_total', help: 'Downlink states that were reported.', by: 'state', values: states });
  const received = counter(registry, { ...connection, name: 'downlinks_received_total', help: 'Downlinks that came from AWS.', by: 'result', values: receiptResults });
  const rejected = counter(registry, { ...connection, name: 'downlinks_rejected_total', help: 'Downlinks that were rejected, by reason.', by: 'reason', values: rejectReasons });
  const attempts = counter(registry, { ...networkServer, name: 'downlink_attempts_total', help: 'Attempts to submit a downlink, by their outcome.', by: 'outcome', values: attemptResults });
  const reports = counter(registry, { ...networkServer, name: 'downlink_reports_total', help: 'Reports of network servers about downlinks, and whether one of the bridge was found for them.', by: 'matched', values: ['yes', 'no'] });
  const mailbox = counter(registry, { ...networkServer, name: 'mailbox_answers_total', help: 'Answers to networks that collect downlinks.', by: 'result', values: mailboxResults });
  const failing = new Gauge({ name: `${prefix}downlink_network_server_failing`, help: '1 while the network server takes no downlinks.', labelNames: ['network_server'], registers: [registry] });
  const seconds = new Histogram({ name: `${prefix}downlink_submit_seconds`, help: 'Time of one attempt to submit a downlink.', labelNames: ['network_server'], buckets: submitBuckets, registers: [registry] });
  for (const id of networkServers) {
    failing.set({ network_server: id }, 0);
    seconds.zero({ network_server: id });
  }
  queueGauges(options);

  return {
    received,
    rejected,
    state: byState,
    attempt(id, outcome, duration) {
      attempts(id, outcome);
      if (duration !== undefined) seconds.observe({ network_server: id }, duration);
    },
    report: (id, matched) => reports(id, matched ? 'yes' : 'no'),
    failing: (id, isFailing) => failing.set({ network_server: id }, isFailing ? 1 : 0),
    mailbox,
  };
};
