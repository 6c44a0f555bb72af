import type { Reason } from '../errors.js';
import type { MetricFamily } from '../metric-family.js';

export interface SubscriberMetrics {
  received(connection: string): void;
  /** Not acknowledged, so that AWS delivers it again. */
  notStored(connection: string, reason: Reason): void;
  connectFailed(connection: string, reason: Reason): void;
  sessionLost(connection: string, reason: Reason): void;
}

export interface SubscriberMetricsOptions {
  readonly connections: MetricFamily;
  /** Whether the subscription of a connection stands. */
  readonly opened: (connection: string) => boolean;
}

const storeReasons: readonly Reason[] = ['store_unavailable', 'redis_unavailable', 'outbox_full', 'downlink_queue_full', 'stopping', 'internal_error'];
const lostReasons: readonly Reason[] = ['session_lost', 'client_id_taken_over', 'endpoint_unreachable', ...storeReasons];
/** A kept session may also be lost before it is subscribed again: what waited in it comes first. */
const connectReasons: readonly Reason[] = ['dns_failed', 'tls_failed', 'certificate_refused', 'connect_refused', 'connect_timeout', 'subscribe_refused', 'aws_credentials_missing', ...lostReasons];

/** What happens between AWS and the bridge on the way down. */
export const createSubscriberMetrics = ({ connections, opened }: SubscriberMetricsOptions): SubscriberMetrics => {
  connections.gauge('subscriber_opened', '1 while the downlink subscription stands.', (connection) => (opened(connection) ? 1 : 0));
  return {
    received: connections.counter('subscriber_messages_received_total', 'Downlink messages that AWS delivered, those delivered again included.'),
    notStored: connections.counterBy('subscriber_messages_not_stored_total', 'Downlink messages that were not stored, so not acknowledged, by reason.', { name: 'reason', values: storeReasons }),
    connectFailed: connections.counterBy('subscriber_connect_failures_total', 'Attempts of the downlink session to connect and subscribe that failed, by reason.', { name: 'reason', values: connectReasons }),
    sessionLost: connections.counterBy('subscriber_sessions_lost_total', 'Downlink sessions that ended unasked, by reason.', { name: 'reason', values: lostReasons }),
  };
};
