import type { Reason } from '../errors.js';
import type { MetricFamily } from '../metric-family.js';

export interface AwsMetrics {
  connectFailed(connection: string, reason: Reason): void;
  sessionClosed(connection: string, reason: Reason): void;
  sessionOpened(connection: string): void;
  /** How long the next publish had to wait for pacing, seconds. */
  paced(connection: string, seconds: number): void;
}

/** What is read of a connection when it is scraped. */
export interface ConnectionReading {
  readonly sessions: number;
  readonly inFlight: number;
  readonly held: boolean;
  /** Days until the client certificate expires; NaN where there is none. */
  readonly certificateDays: number;
}

export interface AwsMetricsOptions {
  readonly connections: MetricFamily;
  readonly read: (connection: string) => ConnectionReading | undefined;
}

const connectReasons: readonly Reason[] = ['dns_failed', 'endpoint_unreachable', 'tls_failed', 'certificate_refused', 'connect_refused', 'connect_timeout', 'aws_credentials_missing'];
const closeReasons: readonly Reason[] = ['session_lost', 'publish_forbidden', 'client_id_taken_over', 'endpoint_unreachable'];
const pacingBuckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1];

/** What happens between the bridge and AWS. */
export const createAwsMetrics = ({ connections, read }: AwsMetricsOptions): AwsMetrics => {
  connections.gauge('sessions_open', 'MQTT sessions that are open.', (connection) => read(connection)?.sessions ?? 0);
  connections.gauge('publishes_in_flight', 'Publishes that wait for their PUBACK.', (connection) => read(connection)?.inFlight ?? 0);
  connections.gauge('connection_held', '1 while nothing at all is allowed on the connection.', (connection) => (read(connection)?.held === true ? 1 : 0));
  connections.gauge('certificate_valid_days', 'Days until the client certificate expires; NaN for a connection without one.', (connection) => read(connection)?.certificateDays ?? Number.NaN);
  return {
    connectFailed: connections.counterBy('connect_failures_total', 'MQTT connect attempts that failed, by reason.', { name: 'reason', values: connectReasons }),
    sessionOpened: connections.counter('sessions_opened_total', 'MQTT sessions opened.'),
    sessionClosed: connections.counterBy('sessions_lost_total', 'MQTT sessions that ended unasked, by reason.', { name: 'reason', values: closeReasons }),
    paced: connections.histogram('pacing_wait_seconds', 'How long ready messages waited because of AWS quotas.', pacingBuckets),
  };
};
