import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Reason } from '../errors.js';

export interface AwsMetrics {
  connectFailed(connection: string, reason: Reason): void;
  sessionClosed(connection: string, reason: Reason): void;
  sessionOpened(connection: string): void;
  /** How long the next publish had to wait for pacing, seconds. */
  paced(connection: string, seconds: number): void;
}

export interface AwsMetricsOptions {
  readonly registry: Registry;
  readonly connections: readonly string[];
  /** Sessions open and publishes in flight of a connection, and the days its certificate is still valid. */
  readonly read: (connection: string) => { readonly sessions: number; readonly inFlight: number; readonly certificateDays: number; readonly held: boolean };
}

const prefix = 'lpwan_bridge_';
const connectReasons: readonly Reason[] = ['dns_failed', 'endpoint_unreachable', 'tls_failed', 'certificate_refused', 'connect_refused', 'connect_timeout'];
const closeReasons: readonly Reason[] = ['session_lost', 'publish_forbidden', 'client_id_taken_over', 'endpoint_unreachable'];

/** What happens between the bridge and AWS. Every series starts at zero. */
export const createAwsMetrics = ({ registry, connections, read }: AwsMetricsOptions): AwsMetrics => {
  const counter = (name: string, help: string, labels: string[]): Counter => new Counter({ name: `${prefix}${name}`, help, labelNames: labels, registers: [registry] });
  const gauge = (name: string, help: string, value: (connection: string) => number): Gauge =>
    new Gauge({
      name: `${prefix}${name}`,
      help,
      labelNames: ['connection'],
      registers: [registry],
      collect() {
        for (const connection of connections) this.set({ connection }, value(connection));
      },
    });

  const failures = counter('connect_failures_total', 'MQTT connect attempts that failed, by reason.', ['connection', 'reason']);
  const opened = counter('sessions_opened_total', 'MQTT sessions opened.', ['connection']);
  const closed = counter('sessions_lost_total', 'MQTT sessions that ended unasked, by reason.', ['connection', 'reason']);
  const pacing = new Histogram({ name: `${prefix}pacing_wait_seconds`, help: 'How long ready messages waited because of AWS quotas.', labelNames: ['connection'], buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1], registers: [registry] });
  gauge('sessions_open', 'MQTT sessions that are open.', (connection) => read(connection).sessions);
  gauge('publishes_in_flight', 'Publishes that wait for their PUBACK.', (connection) => read(connection).inFlight);
  gauge('connection_held', '1 while nothing at all is allowed on the connection.', (connection) => (read(connection).held ? 1 : 0));
  gauge('certificate_valid_days', 'Days until the client certificate expires.', (connection) => read(connection).certificateDays);

  for (const connection of connections) {
    opened.inc({ connection }, 0);
    pacing.zero({ connection });
    for (const reason of connectReasons) failures.inc({ connection, reason }, 0);
    for (const reason of closeReasons) closed.inc({ connection, reason }, 0);
  }
  return {
    connectFailed: (connection, reason) => failures.inc({ connection, reason }),
    sessionOpened: (connection) => opened.inc({ connection }),
    sessionClosed: (connection, reason) => closed.inc({ connection, reason }),
    paced: (connection, seconds) => pacing.observe({ connection }, seconds),
  };
};
