import { Registry } from 'prom-client';
import type { Test } from 'tap';
import { createAwsConnection, type AwsConnection, type AwsConnectionDeps, type AwsConnectionOptions, type ConnectionStatus } from '../../../src/aws/aws-connection.js';
import type { ConnectionState } from '../../../src/aws/connection-state.js';
import { createAwsMetrics } from '../../../src/aws/metrics.js';
import type { Reason } from '../../../src/errors.js';
import { deadlineIn } from '../../../src/lifecycle.js';
import { createMetricFamily } from '../../../src/metric-family.js';
import type { OutboxRecord, PublishOutcome } from '../../../src/uplink/ports.js';
import { recordLog } from '../../support/record-log.js';
import { until } from '../../support/until.js';

type Wanted = Partial<AwsConnectionOptions> & Pick<AwsConnectionOptions, 'endpoint'>;

/** All options of a connection, small ones, but for what the test says. */
export const connectionOptions = (options: Wanted): AwsConnectionOptions => ({
  id: 'c1',
  clientIdPrefix: 'bridge-0-c1',
  version: 5,
  maxClients: 3,
  publishesPerSecondPerClient: 100,
  bytesPerSecondPerClient: 0,
  publishesPerSecond: 0,
  inFlightPerClient: 50,
  publishTimeoutMs: 5_000,
  connectTimeoutMs: 5_000,
  keepAliveMs: 60_000,
  idleTimeoutMs: 60_000,
  reconnect: { minMs: 10, maxMs: 40 },
  ...options,
});

/** A connection under test, with every outcome and every status that it told. */
export interface TestConnection {
  readonly connection: AwsConnection;
  readonly options: AwsConnectionOptions;
  readonly statuses: ConnectionStatus[];
  readonly log: Record<string, unknown>[];
  readonly registry: Registry;
  /** Outcomes by the position of the record, in the order in which they came. */
  readonly outcomes: [seq: number, outcome: PublishOutcome][];
  /** Hands a record to the publisher until it takes it; what is lost or timed out is handed in again, as delivery does. */
  publish(topic: string, payload?: string): Promise<number>;
  acknowledged(count: number): Promise<void>;
  is(state: ConnectionState, reason?: Reason): Promise<void>;
  stop(): Promise<void>;
}

/** Makes a connection that is stopped with the test; not started. */
export const makeConnection = (t: Test, wanted: Wanted, deps: Partial<AwsConnectionDeps> = {}): TestConnection => {
  const { logger, log } = recordLog();
  const registry = new Registry();
  const metrics = createAwsMetrics({ connections: createMetricFamily(registry, 'connection', ['c1']), read: () => undefined });
  const statuses: ConnectionStatus[] = [];
  const outcomes: TestConnection['outcomes'] = [];
  const options = connectionOptions(wanted);
  let seq = 0;

  const send = (record: OutboxRecord): Promise<void> =>
    until(`room for ${record.seq}`, () => {
      const sent = connection.publisher.publish(record);
      if (!sent) connection.publisher.demand(1);
      return sent;
    });

  const connection = createAwsConnection(options, {
    listener: {
      settled(record, outcome) {
        outcomes.push([record.seq, outcome]);
        if (outcome.kind === 'lost' || outcome.kind === 'timeout') void send(record).catch(() => undefined);
      },
      room: () => undefined,
      unreachable: () => undefined,
    },
    metrics,
    logger,
    onStatus: (status) => statuses.push(status),
    ...deps,
  });
  const test: TestConnection = {
    connection,
    options,
    statuses,
    log,
    registry,
    outcomes,
    async publish(topic, payload = 'x') {
      seq += 1;
      const record = { seq, connectionId: 'c1', messageId: String(seq), networkServerId: 'ns', deviceId: topic, type: 'uplink', topic, payload: Buffer.from(payload), acceptedAt: Date.now(), expiresAt: 0 };
      await send(record);
      return seq;
    },
    acknowledged: (count) => until(`${count} acknowledged`, () => outcomes.filter(([, { kind }]) => kind === 'acknowledged').length >= count),
    is: (state, reason) => until(`${state} ${reason ?? ''}`, () => connection.status().state === state && (reason === undefined || connection.status().reason === reason)),
    stop: () => connection.stop(deadlineIn(5_000)),
  };
  t.teardown(() => connection.stop(deadlineIn(100)));
  return test;
};

/** The same, started. */
export const startConnection = (t: Test, wanted: Wanted, deps: Partial<AwsConnectionDeps> = {}): TestConnection => {
  const test = makeConnection(t, wanted, deps);
  test.connection.start();
  return test;
};
