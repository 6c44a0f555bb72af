import type { IPublishPacket } from 'mqtt-packet';
import { setTimeout as pause } from 'node:timers/promises';
import { backoffMs, type Backoff } from '../backoff.js';
import type { ReceiveDownlink } from '../downlink/ports.js';
import { BridgeError, messageOf, type Reason } from '../errors.js';
import { inTime, within, type Deadline } from '../lifecycle.js';
import type { Logger } from '../log.js';
import type { Endpoint, MqttVersion } from './connect-client.js';
import { refusesVersion } from './connect-failure.js';
import { createStateKeeper, type StateKeeper } from './connection-state.js';
import { stableAfterMs } from './session-pool.js';
import type { Subscription } from './settle-subscription.js';
import { openSubscriberSession, sessionExpiryS, type SubscriberSession } from './subscriber-session.js';
import type { SubscriberMetrics } from './subscriber-metrics.js';
import { createSubscriptionMemory } from './subscription-memory.js';

export interface SubscriberOptions {
  readonly connectionId: string;
  readonly endpoint: Endpoint;
  /** The same at every start: AWS keeps the session, and what waits in it, under this id. */
  readonly clientId: string;
  readonly version: MqttVersion;
  /** As `topicFilterOf` gives it. */
  readonly filter: string;
  /** Set: the filter is shared with the other subscribers of this name, and each message goes to one of them. */
  readonly shareName?: string;
  /** For a filter that is not shared: the name under which this client id may have shared it before, beside what `stateFile` knows. */
  readonly formerShareName?: string;
  readonly keepAliveMs: number;
  /** For DNS, TCP, TLS and CONNACK together, and again for SUBACK, ms. */
  readonly connectTimeoutMs: number;
  /** How long storing one message may take, ms. */
  readonly storeTimeoutMs?: number;
  readonly reconnect: Backoff;
  /** Path of the file that remembers what the client id is subscribed to. */
  readonly stateFile: string;
}

export interface SubscriberDeps {
  readonly receive: ReceiveDownlink;
  readonly logger: Logger;
  readonly metrics: SubscriberMetrics;
}

/** What is known of a subscription; `opened` only while SUBACK of the present session is in. `since`: epoch ms of the last change. */
export type SubscriberStatus = StateKeeper['current'];

/** The session of a connection that takes downlinks and publishes nothing. */
export interface Subscriber {
  start(): void;
  status(): SubscriberStatus;
  /** Waits for the message that is being stored, acknowledges it, and leaves the persistent session behind. */
  stop(deadline: Deadline): Promise<void>;
}

/** Longest wait for the store when nothing else is said, ms. */
const defaultStoreTimeoutMs = 10_000;
/** AWS keeps a session for an hour by default; a broker that keeps it for less loses downlinks in a shorter outage. */
const usualExpiryS = 3_600;

const sharedFilter = (shareName: string, filter: string): string => `$share/${shareName}/${filter}`;

/** The filter to be subscribed to, and the same one in its other form. */
const filtersOf = ({ filter, shareName, formerShareName }: SubscriberOptions): Pick<Subscription, 'filter' | 'others'> => {
  if (shareName !== undefined) return { filter: sharedFilter(shareName, filter), others: [filter] };
  return { filter, others: formerShareName === undefined ? [] : [sharedFilter(formerShareName, filter)] };
};

const reasonOf = (error: unknown): Reason => (error instanceof BridgeError ? error.reason : 'internal_error');

class DownlinkSubscriber implements Subscriber {
  readonly #logger: Logger;
  readonly #state: StateKeeper;
  readonly #subscription: Subscription;
  readonly #stop = new AbortController();
  readonly #cut = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #version: MqttVersion;
  /** Ends in a row of sessions that came to nothing, and connects that failed. */
  #failures = 0;
  #keptForS: number | undefined;

  constructor(
    private readonly options: SubscriberOptions,
    private readonly deps: SubscriberDeps,
  ) {
    const { connectionId, clientId, stateFile: path } = options;
    this.#logger = deps.logger.child({ connection_id: connectionId, client_id: clientId });
    this.#state = createStateKeeper(this.#logger, 'downlink subscription changed');
    this.#subscription = { ...filtersOf(options), memory: createSubscriptionMemory({ path, clientId, logger: this.#logger }) };
    this.#version = options.version;
  }

  start(): void {
    this.#state.set({ state: 'opening' });
    this.#running = this.#run();
  }

  status(): SubscriberStatus {
    return this.#state.current;
  }

  async stop(deadline: Deadline): Promise<void> {
    this.#stop.abort();
    await within(deadline, this.#running);
    this.#cut.abort();
    this.#state.set({ state: 'closed' });
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const session = await this.#open();
      if (session !== undefined) await this.#serve(session);
      if (signal.aborted) return;
      const wait = backoffMs(this.options.reconnect, this.#failures);
      this.#failures += 1;
      await pause(wait, undefined, { signal }).catch(() => undefined);
    }
  }

  async #open(): Promise<SubscriberSession | undefined> {
    try {
      return await openSubscriberSession({
        ...this.options,
        version: this.#version,
        subscription: this.#subscription,
        take: (message) => this.#take(message),
        stop: this.#stop.signal,
        cut: this.#cut.signal,
      });
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#openFailed(error);
      return undefined;
    }
  }

  #openFailed(error: unknown): void {
    const reason = reasonOf(error);
    this.deps.metrics.connectFailed(this.options.connectionId, reason);
    this.#state.set({ state: 'unreachable', reason, detail: messageOf(error) });
    if (this.#version === 5 && error instanceof BridgeError && refusesVersion(error.cause)) this.#version = 4;
  }

  /** Lasts as long as the session, and until nothing of it is at work any more: the next one may be given the same message. */
  async #serve(session: SubscriberSession): Promise<void> {
    if (!this.#stop.signal.aborted) this.#state.set({ state: 'opened' });
    this.#tellExpiry(session.keptForS);
    const { byStore, ...cause } = await session.ended;
    if (this.#stop.signal.aborted) return;
    const stable = performance.now() - session.openedAt >= stableAfterMs && cause.reason !== 'client_id_taken_over';
    if (stable && !byStore) this.#failures = 0;
    this.deps.metrics.sessionLost(this.options.connectionId, cause.reason);
    this.#logger.debug(cause, 'downlink session closed');
    this.#state.set({ state: byStore ? 'unreachable' : 'opening', ...cause });
    await session.finished();
  }

  async #take({ topic, payload, qos }: IPublishPacket): Promise<void> {
    const { connectionId, storeTimeoutMs = defaultStoreTimeoutMs } = this.options;
    this.deps.metrics.received(connectionId);
    try {
      await inTime(this.deps.receive({ connectionId, topic, payload: Buffer.from(payload as Buffer) }), storeTimeoutMs);
      this.#failures = 0;
    } catch (error) {
      const reason = reasonOf(error);
      this.deps.metrics.notStored(connectionId, reason);
      this.#logger.warn({ reason, detail: messageOf(error), topic, qos }, 'downlink not stored');
      throw error;
    }
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
