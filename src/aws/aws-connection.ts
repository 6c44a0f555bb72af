import type { Backoff } from '../backoff.js';
import type { Reason } from '../errors.js';
import type { Deadline } from '../lifecycle.js';
import { within } from '../lifecycle.js';
import type { Logger } from '../log.js';
import type { Publisher, PublisherListener } from '../uplink/ports.js';
import type { Endpoint, MqttVersion } from './connect-client.js';
import { createStateKeeper, type ConnectionState } from './connection-state.js';
import type { AwsMetrics } from './metrics.js';
import { openSession, type MqttSession, type SessionListener } from './mqtt-session.js';
import { createPace } from './pacing.js';
import { createPublisher } from './publisher.js';
import { createReconnectCoordinator } from './reconnect-coordinator.js';
import { createSessionPool, stableAfterMs } from './session-pool.js';

export interface AwsConnectionOptions {
  readonly id: string;
  readonly endpoint: Endpoint;
  /** Client ids are this and `-1`, `-2`, …; the same at every start. */
  readonly clientIdPrefix: string;
  readonly version: MqttVersion;
  readonly maxClients: number;
  readonly publishesPerSecondPerClient: number;
  readonly bytesPerSecondPerClient: number;
  /** Over all sessions; 0 = no limit. */
  readonly publishesPerSecond: number;
  readonly inFlightPerClient: number;
  readonly publishTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly idleTimeoutMs: number;
  readonly reconnect: Backoff;
}

/** What is known of a connection, for health and the log. */
export interface ConnectionStatus {
  readonly state: ConnectionState;
  /** Epoch ms of the last change. */
  readonly since: number;
  readonly reason?: Reason;
  readonly detail?: string;
  readonly sessions: number;
  readonly inFlight: number;
}

export interface AwsConnection {
  readonly publisher: Publisher;
  status(): ConnectionStatus;
  start(): void;
  stop(deadline: Deadline): Promise<void>;
}

export interface AwsConnectionDeps {
  readonly listener: PublisherListener;
  readonly metrics: AwsMetrics;
  readonly logger: Logger;
}

/** Least time between two connects of one connection's pool, ms: ten sessions are up within a second, far below AWS's connect rate. */
const connectSpacingMs = 100;

/** One AWS IoT Core connection: its pool of MQTT sessions, pacing, and the publisher over them. */
export const createAwsConnection = (options: AwsConnectionOptions, { listener, metrics, logger: parent }: AwsConnectionDeps): AwsConnection => {
  const logger = parent.child({ connection_id: options.id });
  const aborter = new AbortController();
  const { signal } = aborter;
  const status = createStateKeeper(logger, 'connection changed');
  const coordinator = createReconnectCoordinator({ backoff: options.reconnect, spacingMs: connectSpacingMs, signal });

  const sessionListener: SessionListener = {
    settled(record, outcome) {
      if (outcome.kind === 'acknowledged') coordinator.stable();
      publisher.settled(record, outcome);
    },
    closed(session, cause) {
      publisher.sessionClosed(session);
      if (cause === undefined || signal.aborted) return;
      if (performance.now() - session.openedAt < stableAfterMs || cause.reason === 'client_id_taken_over') coordinator.failed();
      metrics.sessionClosed(options.id, cause.reason);
      logger.warn({ client_id: session.clientId, ...cause }, 'session closed');
      if (publisher.sessions.length === 0) status.set({ state: 'opening', ...cause });
    },
  };

  const open = (number: number, version: MqttVersion): Promise<MqttSession> =>
    openSession(
      {
        endpoint: options.endpoint,
        clientId: `${options.clientIdPrefix}-${number}`,
        version,
        keepAliveS: Math.round(options.keepAliveMs / 1_000),
        connectTimeoutMs: options.connectTimeoutMs,
        publishTimeoutMs: options.publishTimeoutMs,
        inFlight: options.inFlightPerClient,
        limits: { publishesPerSecond: options.publishesPerSecondPerClient, bytesPerSecond: options.bytesPerSecondPerClient },
      },
      sessionListener,
      signal,
    );

  const pool = createSessionPool({
    maxSessions: options.maxClients,
    version: options.version,
    coordinator,
    idleTimeoutMs: 1_000,
    signal,
    open,
    connectFailed(reason, detail) {
      metrics.connectFailed(options.id, reason);
      if (publisher.sessions.length === 0) status.set({ state: 'unreachable', reason, detail });
      listener.unreachable();
    },
  });

  const publisher = createPublisher({
    pool,
    listener,
    accountPace: createPace({ publishesPerSecond: options.publishesPerSecondPerClient === 0 ? 0 : options.publishesPerSecond, bytesPerSecond: 0 }),
    size: { maxSessions: options.maxClients, publishesPerSecond: options.publishesPerSecondPerClient, idleAfterMs: options.idleTimeoutMs },
    paced: (seconds) => metrics.paced(options.id, seconds),
    opened(session) {
      metrics.sessionOpened(options.id);
      logger.debug({ client_id: session.clientId }, 'session opened');
      status.set({ state: 'opened' });
    },
  });

  return {
    publisher,
    status: () => ({ ...status.current, sessions: publisher.sessions.length, inFlight: publisher.sessions.reduce((sum, session) => sum + session.inFlight, 0) }),
    start() {
      status.set({ state: 'opening' });
      publisher.start();
    },
    async stop(deadline) {
      aborter.abort();
      publisher.stop();
      await within(deadline, pool.close());
      status.set({ state: 'closed' });
    },
  };
};
