import { deadlineIn, within } from '../lifecycle.js';
import type { Logger } from '../log.js';
import type { PublisherListener } from '../uplink/ports.js';
import type { AwsConnectionOptions } from './aws-connection-options.js';
import type { ConnectGate } from './connect-gate.js';
import type { AwsMetrics } from './metrics.js';
import { openSession, type CloseCause, type MqttSession, type SessionListener } from './mqtt-session.js';
import { createOutageBackoff } from './outage-backoff.js';
import type { Pace } from './pacing.js';
import { createPublisher, type PooledPublisher } from './publisher.js';
import { createReconnectCoordinator } from './reconnect-coordinator.js';
import { createSessionPool, stableAfterMs } from './session-pool.js';
import type { Generation } from './succession.js';

/** What the owner of a pool is told. */
export interface PoolWatcher {
  /** TLS stands, CONNECT is about to be sent. */
  secured(): void;
  opened(): void;
  /** A session ended unasked. */
  lost(cause: CloseCause): void;
  connectFailed(error: unknown): void;
  /** The reconnect strategy gave up; nothing more is tried. */
  exhausted(): void;
  /** Once a second. */
  tick(): void;
}

export interface PoolGenerationDeps {
  readonly listener: Pick<PublisherListener, 'settled' | 'room'>;
  readonly metrics: AwsMetrics;
  readonly logger: Logger;
  readonly gate?: ConnectGate | undefined;
  readonly now?: (() => number) | undefined;
  readonly accountPace: Pace;
  readonly watcher: PoolWatcher;
  /** The pool whose sessions this one takes over, client id by client id. */
  readonly predecessor?: PoolGeneration | undefined;
}

/** The sessions of a connection under one set of options. */
export interface PoolGeneration extends Generation {
  readonly publisher: PooledPublisher;
  /** Another pool is about to take this client id over: its session stops publishing. Resolves when its PUBACKs are in, or took too long. Nothing is opened meanwhile. */
  lend(clientId: string): Promise<void>;
}

/** Least time between two connects of one connection's pool, ms: ten sessions are up within a second, far below AWS's connect rate. */
const connectSpacingMs = 100;
/** How long a session that is taken over may wait for its PUBACKs, ms: half of it is a slow round trip to another continent, many times over. */
const lendMs = 2_000;

const bounded = async (work: Promise<void>, limitMs: number): Promise<void> => void (await within(deadlineIn(limitMs), work));

export const createPoolGeneration = (options: AwsConnectionOptions, deps: PoolGenerationDeps): PoolGeneration => {
  const { metrics, logger, watcher, predecessor } = deps;
  const aborter = new AbortController();
  const { signal } = aborter;
  const wanted = Math.max(1, Math.min(options.maxClients, predecessor?.publisher.sessions.length ?? 1));
  let enough: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (enough = resolve));

  const coordinator = createReconnectCoordinator({
    backoff: createOutageBackoff({ reconnect: options.reconnect, strategy: options.reconnectStrategy, now: deps.now }),
    spacingMs: connectSpacingMs,
    signal,
    exhausted() {
      aborter.abort();
      watcher.exhausted();
    },
  });

  /** While another client fights for an id, PUBACKs prove nothing: the next takeover would again be answered at once. 0: nobody does. */
  let contestedUntil = 0;
  const contested = (): boolean => contestedUntil > 0 && performance.now() < contestedUntil;

  const sessionListener: SessionListener = {
    settled(record, outcome) {
      if (outcome.kind === 'acknowledged' && !contested()) coordinator.stable();
      publisher.settled(record, outcome);
    },
    closed(session, cause) {
      publisher.sessionClosed(session);
      if (cause === undefined || signal.aborted) return;
      const takenOver = cause.reason === 'client_id_taken_over';
      if (takenOver) contestedUntil = performance.now() + Math.max(stableAfterMs, 2 * options.reconnect.maxMs);
      if (takenOver || performance.now() - session.openedAt < stableAfterMs) coordinator.failed();
      else if (!contested()) coordinator.stable();
      metrics.sessionClosed(options.id, cause.reason);
      logger.warn({ client_id: session.clientId, ...cause }, 'session closed');
      watcher.lost(cause);
    },
  };

  const open = async (number: number, version: AwsConnectionOptions['version']): Promise<MqttSession> => {
    const clientId = `${options.clientIdPrefix}-${number}`;
    const hooks = {
      secured: (): Promise<void> | undefined => {
        watcher.secured();
        return predecessor?.lend(clientId);
      },
    };
    try {
      return await openSession(
        {
          endpoint: options.endpoint,
          clientId,
          version,
          keepAliveS: Math.round(options.keepAliveMs / 1_000),
          connectTimeoutMs: options.connectTimeoutMs,
          publishTimeoutMs: options.publishTimeoutMs,
          inFlight: options.inFlightPerClient,
          limits: { publishesPerSecond: options.publishesPerSecondPerClient, bytesPerSecond: options.bytesPerSecondPerClient },
          gate: deps.gate,
          hooks,
        },
        sessionListener,
        signal,
      );
    } catch (error) {
      predecessor?.takeBack();
      throw error;
    }
  };

  const pool = createSessionPool({ maxSessions: options.maxClients, version: options.version, coordinator, signal, open, connectFailed: (error) => watcher.connectFailed(error) });

  const publisher = createPublisher({
    pool,
    listener: deps.listener,
    accountPace: deps.accountPace,
    size: { maxSessions: options.maxClients, publishesPerSecond: options.publishesPerSecondPerClient, idleAfterMs: options.idleTimeoutMs },
    paced: (seconds) => metrics.paced(options.id, seconds),
    tick: () => watcher.tick(),
    opened(session) {
      metrics.sessionOpened(options.id);
      logger.debug({ client_id: session.clientId }, 'session opened');
      if (publisher.sessions.length >= wanted) enough();
      watcher.opened();
    },
  });

  return {
    publisher,
    get open() {
      return publisher.sessions.length > 0;
    },
    start: () => publisher.start(wanted),
    ready: () => bounded(ready, options.connectTimeoutMs),
    async lend(clientId) {
      publisher.replenish(false);
      const session = publisher.sessions.find((one) => one.clientId === clientId);
      if (session !== undefined) await bounded(session.hold(), lendMs);
    },
    takeBack() {
      for (const session of publisher.sessions) session.resume();
      publisher.replenish(!signal.aborted);
      deps.listener.room();
    },
    retire() {
      publisher.replenish(false);
      aborter.abort();
    },
    async drain(deadline) {
      await within(deadline, Promise.all(publisher.sessions.map((session) => session.hold())).then(() => undefined));
    },
    async stop(deadline) {
      aborter.abort();
      publisher.stop();
      await within(deadline, pool.close());
    },
  };
};
