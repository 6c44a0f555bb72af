import { reasons, type Reason } from '../errors.js';
import type { MetricFamily } from '../metric-family.js';
import type { Outbox } from './ports.js';

/** Reasons for which a message can be parked. */
const parkReasons: readonly Reason[] = [
  'topic_unresolved', 'topic_invalid', 'payload_too_large', 'not_decoded', 'publish_forbidden', 'publish_refused', 'validity_ended', 'connection_deleted', 'thing_missing', 'thing_foreign', 'thing_invalid', 'registry_refused',
];

/** Reasons for which one attempt to publish can fail. */
const attemptReasons: readonly Reason[] = ['publish_timeout', 'session_lost', 'publish_forbidden', 'publish_refused', 'publish_throttled', 'client_id_taken_over', 'endpoint_unreachable'];

/** Reasons for which a message goes nowhere. */
const filterReasons: readonly Reason[] = ['no_flow', 'type_not_wanted', 'connection_deleted'];

export interface UplinkMetrics {
  accepted(networkServer: string): void;
  duplicate(networkServer: string): void;
  filtered(networkServer: string, reason: Reason): void;
  stored(connection: string): void;
  delivered(connection: string, seconds: number): void;
  expired(connection: string): void;
  parked(connection: string, reason: Reason): void;
  attemptFailed(connection: string, reason: Reason): void;
  /** Messages found in the outbox that this process did not accept: at start, or from another replica. */
  restored(connection: string, count: number): void;
  /** Messages that another replica delivers, or counts, now. */
  moved(connection: string, count: number): void;
  /** Parked messages put back. */
  replayed(connection: string, count: number): void;
}

export interface UplinkMetricsOptions {
  readonly networkServers: MetricFamily;
  readonly connections: MetricFamily;
  readonly outbox: Pick<Outbox, 'pending' | 'oldestAcceptedAt'>;
}

const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600];

/** The outbox gauges: read when scraped, never kept. */
const outboxGauges = ({ connections, outbox }: UplinkMetricsOptions): void => {
  connections.gauge('outbox_pending_messages', 'Accepted messages that are not settled yet.', (connection) => outbox.pending(connection).messages);
  connections.gauge('outbox_pending_bytes', 'Bytes of accepted messages that are not settled yet.', (connection) => outbox.pending(connection).bytes);
  connections.gauge('outbox_oldest_age_seconds', 'Age of the oldest message that is not settled yet; 0 when there is none.', (connection) => {
    const oldest = outbox.oldestAcceptedAt(connection);
    return oldest === undefined ? 0 : Math.max(0, (Date.now() - oldest) / 1000);
  });
};

/** The books of promise 1 and what the outbox holds. */
export const createUplinkMetrics = (options: UplinkMetricsOptions): UplinkMetrics => {
  const { networkServers, connections } = options;
  const delivered = connections.counter('outbox_delivered_total', 'Messages that AWS acknowledged.');
  const latency = connections.histogram('delivery_seconds', 'Time from acceptance to the PUBACK of AWS.', latencyBuckets);
  outboxGauges(options);
  return {
    accepted: networkServers.counter('messages_accepted_total', 'Messages stored durably or acknowledged by AWS before their webhook was answered.'),
    duplicate: networkServers.counter('messages_duplicate_total', 'Messages that came again inside the dedup window.'),
    filtered: networkServers.counterBy('messages_filtered_total', 'Messages that go nowhere, by reason.', { name: 'reason', values: filterReasons }),
    stored: connections.counter('outbox_accepted_total', 'Messages accepted for the connection.'),
    delivered(connection, seconds) {
      delivered(connection);
      // The wall clock may have been set back meanwhile.
      latency(connection, Math.max(0, seconds));
    },
    expired: connections.counter('outbox_expired_total', 'Messages whose validity time ended before AWS acknowledged them.'),
    parked: connections.counterBy('outbox_parked_total', 'Messages given up and kept for a person, by reason.', { name: 'reason', values: parkReasons }),
    attemptFailed: connections.counterBy('publish_failures_total', 'Publishes that did not end in a PUBACK and are tried again or parked, by reason.', { name: 'reason', values: attemptReasons }),
    restored: connections.counter('outbox_restored_total', 'Unsettled messages found in the outbox at start, or taken over from another replica.'),
    moved: connections.counter('outbox_moved_total', 'Messages that wait with another replica now; always 0 with the outbox on disk.'),
    replayed: connections.counter('outbox_replayed_total', 'Parked messages put back into the outbox.'),
  };
};

/** The reasons a metric may carry, for the docs. */
export const documentedReasons = (): readonly Reason[] => Object.keys(reasons) as Reason[];
