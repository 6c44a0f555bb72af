import type { Deadline } from '../lifecycle.js';
import type { Logger } from '../log.js';
import type { Publisher, PublisherListener } from '../uplink/ports.js';
import type { AwsConnectionOptions } from './aws-connection-options.js';
import { causeOf } from './cause-of.js';
import { isRefusal } from './connect-failure.js';
import type { ConnectGate } from './connect-gate.js';
import { createStateKeeper, type KeptState } from './connection-state.js';
import { sameBroker } from './endpoint.js';
import type { AwsMetrics } from './metrics.js';
import { restartAfterMs } from './outage-backoff.js';
import { createPace, type Pace } from './pacing.js';
import { createPoolGeneration, type PoolGeneration, type PoolWatcher } from './pool-generation.js';
import { createSuccession } from './succession.js';

export type { AwsConnectionOptions } from './aws-connection-options.js';

/** What is known of a connection, for health, events and the API. */
export interface ConnectionStatus extends KeptState {
  readonly sessions: number;
  readonly inFlight: number;
}

export interface AwsConnection {
  /** The same one also after `replace`. */
  readonly publisher: Publisher;
  status(): ConnectionStatus;
  /** Connects at once. */
  start(): void;
  /**
   * Goes on under other options without a gap. Under the same host and port the new sessions are opened first, each taking its
   * client id over when the PUBACKs of the old one are in; when they are refused the old ones go on, `lastError` says why, and
   * the new options are tried again with the usual pauses. Under another address the old sessions are drained and ended first.
   * Resolves when the new sessions took over, or their first attempt failed.
   */
  replace(options: AwsConnectionOptions): Promise<void>;
  /** Waits for what is in flight, as long as the deadline allows. */
  stop(deadline: Deadline): Promise<void>;
}

export interface AwsConnectionDeps {
  readonly listener: PublisherListener;
  readonly metrics: AwsMetrics;
  readonly logger: Logger;
  /** One for the process. */
  readonly gate?: ConnectGate;
  /** Called when the state or its reason changed, and when an error of another reason came while the sessions go on. */
  readonly onStatus?: (status: ConnectionStatus) => void;
  /** Milliseconds of a clock that goes forward, for the reconnect strategy. */
  readonly now?: () => number;
}

/** The account's publishes a second are counted over all sessions, the ones that are leaving included. */
const createAccountPace = (): ((options: AwsConnectionOptions) => Pace) => {
  let limit = -1;
  let pace = createPace({ publishesPerSecond: 0, bytesPerSecond: 0 });
  return ({ publishesPerSecond, publishesPerSecondPerClient }) => {
    const wanted = publishesPerSecondPerClient === 0 ? 0 : publishesPerSecond;
    if (wanted !== limit) pace = createPace({ publishesPerSecond: wanted, bytesPerSecond: 0 });
    limit = wanted;
    return pace;
  };
};

/** One AWS IoT Core connection: its pool of MQTT sessions, pacing, and the publisher over them. */
export const createAwsConnection = (first: AwsConnectionOptions, deps: AwsConnectionDeps): AwsConnection => {
  const { listener, metrics, now = () => performance.now() } = deps;
  const logger = deps.logger.child({ connection_id: first.id });
  const keeper = createStateKeeper({ logger, text: 'connection changed', changed: () => deps.onStatus?.(status()) });
  const paceOf = createAccountPace();
  let publishedAt = now();

  const sessions = (): PoolGeneration['publisher']['sessions'] => succession.alive.flatMap(({ publisher }) => publisher.sessions);
  const status = (): ConnectionStatus => {
    const open = sessions();
    return { ...keeper.current, sessions: open.length, inFlight: open.reduce((sum, session) => sum + session.inFlight, 0) };
  };

  const carriesOn = (): boolean => succession.alive.some(({ open }) => open);

  const restartIfIdle = ({ reconnectStrategy }: AwsConnectionOptions): void => {
    if (reconnectStrategy !== 'AGGRESSIVE' || !carriesOn() || now() - publishedAt < restartAfterMs) return;
    publishedAt = now();
    logger.info('nothing was published for an hour, opening the sessions anew');
    void succession.replace(succession.wanted);
  };

  const watcherOf = (generation: () => PoolGeneration, options: AwsConnectionOptions): PoolWatcher => ({
    secured() {
      const { state } = keeper.current;
      if (generation() === succession.current && (state === 'opening' || state === 'unreachable')) keeper.set({ state: 'authenticating' });
    },
    opened() {
      keeper.connected();
      succession.admitted(generation());
      keeper.set({ state: 'opened' });
    },
    lost(cause) {
      if (carriesOn()) keeper.failed(cause);
      else keeper.set({ state: 'opening', ...cause });
    },
    connectFailed(error) {
      const cause = causeOf(error);
      metrics.connectFailed(options.id, cause.reason);
      succession.failed(generation());
      if (carriesOn()) return keeper.failed(cause);
      if (generation() === succession.current) keeper.set({ state: isRefusal(error) ? 'authentication_failed' : 'unreachable', ...cause });
      listener.unreachable();
    },
    exhausted() {
      if (generation() === succession.current) keeper.giveUp(options.reconnectStrategy);
    },
    tick: () => restartIfIdle(options),
  });

  const make = (options: AwsConnectionOptions, predecessor: PoolGeneration | undefined): PoolGeneration => {
    const generation: PoolGeneration = createPoolGeneration(options, {
      listener: {
        settled(record, outcome) {
          if (outcome.kind === 'acknowledged') publishedAt = now();
          listener.settled(record, outcome);
        },
        room: () => listener.room(),
      },
      metrics,
      logger,
      gate: deps.gate,
      now: deps.now,
      accountPace: paceOf(options),
      watcher: watcherOf(() => generation, options),
      predecessor,
    });
    return generation;
  };

  const succession = createSuccession({
    options: first,
    make,
    sameBroker: (one: AwsConnectionOptions, other) => sameBroker(one.endpoint, other.endpoint),
    startingAnew: () => keeper.set({ state: 'opening' }),
  });

  return {
    publisher: {
      publish: (record) => succession.alive.some(({ publisher }) => publisher.publish(record)),
      publishAlone: (record) => succession.alive.some(({ publisher }) => publisher.publishAlone(record)),
      demand: (waiting) => succession.current.publisher.demand(waiting),
    },
    status,
    start() {
      publishedAt = now();
      keeper.set({ state: 'opening' });
      succession.start();
    },
    replace: (options) => succession.replace(options),
    async stop(deadline) {
      await succession.stop(deadline);
      keeper.set({ state: 'closed' });
    },
  };
};
