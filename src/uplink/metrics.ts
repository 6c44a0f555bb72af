import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { reasons, type Reason } from '../errors.js';
import type { Outbox } from './ports.js';

/** Reasons for which a message can be parked. */
const parkReasons: readonly Reason[] = ['topic_unresolved', 'topic_invalid', 'payload_too_large', 'not_decoded', 'publish_forbidden', 'publish_refused'];

/** Reasons for which one attempt to publish can fail. */
const attemptReasons: readonly Reason[] = ['publish_timeout', 'session_lost', 'publish_forbidden', 'publish_refused', 'publish_throttled', 'client_id_taken_over', 'endpoint_unreachable'];

export interface UplinkMetrics {
  accepted(networkServer: string): void;
  duplicate(networkServer: string): void;
  filtered(networkServer: string): void;
  stored(connection: string): void;
  delivered(connection: string, seconds: number): void;
  expired(connection: string): void;
  parked(connection: string, reason: Reason): void;
  attemptFailed(connection: string, reason: Reason): void;
  /** Messages found in the outbox at start. */
  restored(connection: string, count: number): void;
}

export interface UplinkMetricsOptions {
  readonly registry: Registry;
  readonly networkServers: readonly string[];
  readonly connections: readonly string[];
  readonly outbox: Pick<Outbox, 'pending' | 'oldestAcceptedAt'>;
}

const prefix = 'lpwan_bridge_';
const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600];

const counters = (registry: Registry, label: string, rows: Readonly<Record<string, string>>): Record<string, Counter> =>
  Object.fromEntries(
    Object.entries(rows).map(([name, help]) => [name, new Counter({ name: `${prefix}${name}`, help, labelNames: [label], registers: [registry] })]),
  );

/** The outbox gauges: read when scraped, never kept. */
const outboxGauges = ({ registry, connections, outbox }: UplinkMetricsOptions): void => {
  const gauge = (name: string, help: string, read: (connection: string) => number): Gauge =>
    new Gauge({
      name: `${prefix}${name}`,
      help,
      labelNames: ['connection'],
      registers: [registry],
      collect() {
        for (const connection of connections) this.set({ connection }, read(connection));
      },
    });
  gauge('outbox_pending_messages', 'Accepted messages that are not settled yet.', (connection) => outbox.pending(connection).messages);
  gauge('outbox_pending_bytes', 'Bytes of accepted messages that are not settled yet.', (connection) => outbox.pending(connection).bytes);
  gauge('outbox_oldest_age_seconds', 'Age of the oldest message that is not settled yet; 0 when there is none.', (connection) => {
    const oldest = outbox.oldestAcceptedAt(connection);
    return oldest === undefined ? 0 : Math.max(0, (Date.now() - oldest) / 1000);
  });
};

/** The books of promise 1 and what the outbox holds. Every series starts at zero. */
export const createUplinkMetrics = (options: UplinkMetricsOptions): UplinkMetrics => {
  const { registry } = options;
  const byServer = counters(registry, 'network_server', {
    messages_accepted_total: 'Messages stored durably or acknowledged by AWS before their webhook was answered.',
    messages_duplicate_total: 'Messages that came again inside the dedup window.',
    messages_filtered_total: 'Messages that no flow wants.',
  });
  const byConnection = counters(registry, 'connection', {
    outbox_accepted_total: 'Messages accepted for the connection.',
    outbox_restored_total: 'Unsettled messages found in the outbox at start.',
    outbox_replayed_total: 'Parked messages put back into the outbox.',
    outbox_delivered_total: 'Messages that AWS acknowledged.',
    outbox_expired_total: 'Messages whose validity time ended before AWS acknowledged them.',
  });
  const parked = new Counter({ name: `${prefix}outbox_parked_total`, help: 'Messages given up and kept for a person, by reason.', labelNames: ['connection', 'reason'], registers: [registry] });
  const attempts = new Counter({ name: `${prefix}publish_failures_total`, help: 'Publishes that did not end in a PUBACK and are tried again or parked, by reason.', labelNames: ['connection', 'reason'], registers: [registry] });
  const latency = new Histogram({ name: `${prefix}delivery_seconds`, help: 'Time from acceptance to the PUBACK of AWS.', labelNames: ['connection'], buckets: latencyBuckets, registers: [registry] });
  outboxGauges(options);

  const add = (name: string, label: 'network_server' | 'connection', value: string, count = 1): void =>
    (label === 'connection' ? byConnection : byServer)[name]?.inc({ [label]: value }, count);
  for (const id of options.networkServers) for (const name of Object.keys(byServer)) add(name, 'network_server', id, 0);
  for (const connection of options.connections) {
    for (const name of Object.keys(byConnection)) add(name, 'connection', connection, 0);
    for (const reason of parkReasons) parked.inc({ connection, reason }, 0);
    for (const reason of attemptReasons) attempts.inc({ connection, reason }, 0);
    latency.zero({ connection });
  }

  return {
    accepted: (id) => add('messages_accepted_total', 'network_server', id),
    duplicate: (id) => add('messages_duplicate_total', 'network_server', id),
    filtered: (id) => add('messages_filtered_total', 'network_server', id),
    stored: (id) => add('outbox_accepted_total', 'connection', id),
    delivered(id, seconds) {
      add('outbox_delivered_total', 'connection', id);
      latency.observe({ connection: id }, seconds);
    },
    expired: (id) => add('outbox_expired_total', 'connection', id),
    parked: (connection, reason) => parked.inc({ connection, reason }),
    attemptFailed: (connection, reason) => attempts.inc({ connection, reason }),
    restored: (id, count) => add('outbox_restored_total', 'connection', id, count),
  };
};

/** The reasons a metric may carry, for the docs. */
export const documentedReasons = (): readonly Reason[] => Object.keys(reasons) as Reason[];
