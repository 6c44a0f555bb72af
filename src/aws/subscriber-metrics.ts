import { Counter, Gauge, type Registry } from 'prom-client';
import type { Reason } from '../errors.js';

export interface SubscriberMetrics {
  received(connection: string): void;
  /** Not acknowledged, so that AWS delivers it again. */
  notStored(connection: string, reason: Reason): void;
  connectFailed(connection: string, reason: Reason): void;
  sessionLost(connection: string, reason: Reason): void;
}

export interface SubscriberMetricsOptions {
  readonly registry: Registry;
  readonly connections: readonly string[];
  /** Whether the subscription of a connection stands. */
  readonly read: (connection: string) => { readonly opened: boolean };
}

const prefix = 'lpwan_bridge_subscriber_';
const storeReasons: readonly Reason[] = ['store_unavailable', 'redis_unavailable', 'outbox_full', 'downlink_queue_full', 'stopping', 'internal_error'];
const lostReasons: readonly Reason[] = ['session_lost', 'client_id_taken_over', 'endpoint_unreachable', ...storeReasons];
/** A kept session may also be lost before it is subscribed again: what waited in it comes first. */
const connectReasons: readonly Reason[] = ['dns_failed', 'tls_failed', 'certificate_refused', 'connect_refused', 'connect_timeout', 'subscribe_refused', ...lostReasons];

/** What happens between AWS and the bridge on the way down. Every series starts at zero. */
export const createSubscriberMetrics = ({ registry, connections, read }: SubscriberMetricsOptions): SubscriberMetrics => {
  const counter = (name: string, help: string, labelNames: string[]): Counter => new Counter({ name: `${prefix}${name}`, help, labelNames, registers: [registry] });
  const received = counter('messages_received_total', 'Downlink messages that AWS delivered, those delivered again included.', ['connection']);
  const notStored = counter('messages_not_stored_total', 'Downlink messages that were not stored, so not acknowledged, by reason.', ['connection', 'reason']);
  const failures = counter('connect_failures_total', 'Attempts of the downlink session to connect and subscribe that failed, by reason.', ['connection', 'reason']);
  const lost = counter('sessions_lost_total', 'Downlink sessions that ended unasked, by reason.', ['connection', 'reason']);
  new Gauge({
    name: `${prefix}opened`,
    help: '1 while the downlink subscription stands.',
    labelNames: ['connection'],
    registers: [registry],
    collect() {
      for (const connection of connections) this.set({ connection }, read(connection).opened ? 1 : 0);
    },
  });

  for (const connection of connections) {
    received.inc({ connection }, 0);
    for (const reason of storeReasons) notStored.inc({ connection, reason }, 0);
    for (const reason of connectReasons) failures.inc({ connection, reason }, 0);
    for (const reason of lostReasons) lost.inc({ connection, reason }, 0);
  }
  return {
    received: (connection) => received.inc({ connection }),
    notStored: (connection, reason) => notStored.inc({ connection, reason }),
    connectFailed: (connection, reason) => failures.inc({ connection, reason }),
    sessionLost: (connection, reason) => lost.inc({ connection, reason }),
  };
};
