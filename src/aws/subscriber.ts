import type { IPublishPacket } from 'mqtt-packet';
import type { ReceiveDownlink } from '../downlink/ports.js';
import type { Deadline } from '../lifecycle.js';
import type { Logger } from '../log.js';
import { causeOf } from './cause-of.js';
import { isRefusal } from './connect-failure.js';
import type { ConnectGate } from './connect-gate.js';
import { createStateKeeper, type KeptState, type StateKeeper } from './connection-state.js';
import { sameBroker } from './endpoint.js';
import { SubscriberGeneration, type SubscriberWatcher } from './subscriber-generation.js';
import type { SubscriberMetrics } from './subscriber-metrics.js';
import type { SubscriberOptions } from './subscriber-options.js';
import { sessionExpiryS } from './subscriber-session.js';
import { createSuccession, type Succession } from './succession.js';
import { takeDownlink } from './take-downlink.js';

export type { SubscriberOptions } from './subscriber-options.js';

export interface SubscriberDeps {
  readonly receive: ReceiveDownlink;
  readonly logger: Logger;
  readonly metrics: SubscriberMetrics;
  /** One for the process. */
  readonly gate?: ConnectGate;
  /** Called when the state or its reason changed, and when an error of another reason came while the subscription goes on. */
  readonly onStatus?: (status: SubscriberStatus) => void;
  /** Milliseconds of a clock that goes forward, for the reconnect strategy. */
  readonly now?: () => number;
}

/** What is known of a subscription; `opened` only while SUBACK of the present session is in. `since`: epoch ms of the last change. */
export type SubscriberStatus = KeptState;

/** The session of a connection that takes downlinks and publishes nothing. */
export interface Subscriber {
  /** Connects at once. */
  start(): void;
  status(): SubscriberStatus;
  /**
   * Goes on under other options: the persistent session and what waits in it stay, a new filter is subscribed and the old one unsubscribed.
   * Under the same host and port the new session takes the client id over when what is being stored is acknowledged; when it is
   * refused the old one goes on, `lastError` says why, and the new options are tried again with the usual pauses.
   * Resolves when the new session took over, or its first attempt failed.
   */
  replace(options: SubscriberOptions): Promise<void>;
  /** Waits for the message that is being stored, acknowledges it, and leaves the persistent session behind. */
  stop(deadline: Deadline): Promise<void>;
}

/** AWS keeps a session for an hour by default; a broker that keeps it for less loses downlinks in a shorter outage. */
const usualExpiryS = 3_600;

class DownlinkSubscriber implements Subscriber {
  readonly #logger: Logger;
  readonly #state: StateKeeper;
  readonly #succession: Succession<SubscriberOptions, SubscriberGeneration>;
  #keptForS: number | undefined;

  constructor(
    options: SubscriberOptions,
    private readonly deps: SubscriberDeps,
  ) {
    this.#logger = deps.logger.child({ connection_id: options.connectionId, client_id: options.clientId });
    this.#state = createStateKeeper({ logger: this.#logger, text: 'downlink subscription changed', changed: (state) => deps.onStatus?.(state) });
    this.#succession = createSuccession<SubscriberOptions, SubscriberGeneration>({
      options,
      make: (next, predecessor) => this.#make(next, predecessor),
      sameBroker: (one, other) => sameBroker(one.endpoint, other.endpoint) && one.clientId === other.clientId,
      startingAnew: () => this.#state.set({ state: 'opening' }),
    });
  }

  start(): void {
    this.#state.set({ state: 'opening' });
    this.#succession.start();
  }

  status(): SubscriberStatus {
    return this.#state.current;
  }

  replace(options: SubscriberOptions): Promise<void> {
    return this.#succession.replace(options);
  }

  async stop(deadline: Deadline): Promise<void> {
    await this.#succession.stop(deadline);
    this.#state.set({ state: 'closed' });
  }

  #make(options: SubscriberOptions, predecessor: SubscriberGeneration | undefined): SubscriberGeneration {
    const generation: SubscriberGeneration = new SubscriberGeneration(options, {
      logger: this.#logger,
      gate: this.deps.gate,
      now: this.deps.now,
      watcher: this.#watcherOf(() => generation, options),
      predecessor,
    });
    return generation;
  }

  #watcherOf(generation: () => SubscriberGeneration, options: SubscriberOptions): SubscriberWatcher {
    const isCurrent = (): boolean => generation() === this.#succession.current;
    return {
      secured: () => {
        const { state } = this.#state.current;
        if (isCurrent() && (state === 'opening' || state === 'unreachable')) this.#state.set({ state: 'authenticating' });
      },
      admitted: () => {
        this.#succession.admitted(generation());
      },
      opened: ({ keptForS }) => {
        this.#state.connected();
        this.#state.set({ state: 'opened' });
        this.#tellExpiry(keptForS);
      },
      lost: ({ byStore, ...cause }) => {
        this.deps.metrics.sessionLost(options.connectionId, cause.reason);
        this.#logger.debug(cause, 'downlink session closed');
        this.#state.set({ state: byStore ? 'unreachable' : 'opening', ...cause });
      },
      openFailed: (error) => {
        const cause = causeOf(error);
        this.deps.metrics.connectFailed(options.connectionId, cause.reason);
        this.#succession.failed(generation());
        if (isCurrent()) this.#state.set({ state: isRefusal(error) ? 'authentication_failed' : 'unreachable', ...cause });
        else this.#state.failed(cause);
      },
      exhausted: () => {
        if (isCurrent()) this.#state.giveUp(options.reconnectStrategy);
      },
      take: (message) => this.#take(message, options, generation()),
    };
  }

  async #take(message: IPublishPacket, options: SubscriberOptions, generation: SubscriberGeneration): Promise<void> {
    await takeDownlink(message, options, { ...this.deps, logger: this.#logger });
    generation.stable();
  }

  #tellExpiry(keptForS: number | undefined): void {
    if (keptForS === undefined || keptForS === this.#keptForS) return;
    this.#keptForS = keptForS;
    const fields = { detail: `asked for ${sessionExpiryS} s, granted ${keptForS} s` };
    if (keptForS < usualExpiryS) this.#logger.warn(fields, 'downlink session is kept for less than an hour');
    else if (keptForS < sessionExpiryS) this.#logger.info(fields, 'downlink session expiry lowered');
  }
}

export const createSubscriber = (options: SubscriberOptions, deps: SubscriberDeps): Subscriber => new DownlinkSubscriber(options, deps);
