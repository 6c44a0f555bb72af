import type { IPublishPacket } from 'mqtt-packet';
import { setTimeout as pause } from 'node:timers/promises';
import { BridgeError } from '../errors.js';
import { within, type Deadline } from '../lifecycle.js';
import type { Logger } from '../log.js';
import { refusesVersion } from './connect-failure.js';
import type { MqttVersion } from './connect-client.js';
import type { ConnectGate } from './connect-gate.js';
import { createOutageBackoff, type OutageBackoff } from './outage-backoff.js';
import { stableAfterMs } from './session-pool.js';
import type { Subscription } from './settle-subscription.js';
import type { SubscriberEnd } from './subscriber-end.js';
import { filtersOf, type SubscriberOptions } from './subscriber-options.js';
import { openSubscriberSession, type SubscriberSession } from './subscriber-session.js';
import { createSubscriptionMemory } from './subscription-memory.js';
import type { Generation } from './succession.js';

/** What the owner of a subscriber's sessions is told. */
export interface SubscriberWatcher {
  /** TLS stands, CONNECT is about to be sent. */
  secured(): void;
  /** CONNACK is in. */
  admitted(): void;
  /** SUBACK is in. */
  opened(session: SubscriberSession): void;
  lost(end: SubscriberEnd): void;
  openFailed(error: unknown): void;
  /** The reconnect strategy gave up; nothing more is tried. */
  exhausted(): void;
  take(message: IPublishPacket): Promise<void>;
}

export interface SubscriberGenerationDeps {
  readonly logger: Logger;
  readonly gate?: ConnectGate | undefined;
  readonly now?: (() => number) | undefined;
  readonly watcher: SubscriberWatcher;
  /** The one whose session this one takes over. */
  readonly predecessor?: SubscriberGeneration | undefined;
}

/** The sessions of a subscriber, one after the other, under one set of options. */
export class SubscriberGeneration implements Generation {
  readonly #subscription: Subscription;
  readonly #backoff: OutageBackoff;
  readonly #stop = new AbortController();
  readonly #cut = new AbortController();
  #settled: () => void = () => undefined;
  readonly #ready = new Promise<void>((resolve) => (this.#settled = resolve));
  #running: Promise<void> = Promise.resolve();
  #session: SubscriberSession | undefined;
  #version: MqttVersion;
  /** Set while another one may take the session over: when it ends meanwhile, no new one is opened. */
  #lent: { readonly over: Promise<void>; readonly end: () => void } | undefined;

  constructor(
    private readonly options: SubscriberOptions,
    private readonly deps: SubscriberGenerationDeps,
  ) {
    const { stateFile: path, clientId, reconnect, reconnectStrategy: strategy } = options;
    this.#subscription = { ...filtersOf(options), memory: createSubscriptionMemory({ path, clientId, logger: deps.logger }) };
    this.#backoff = createOutageBackoff({ reconnect, strategy, now: deps.now });
    this.#version = options.version;
  }

  get open(): boolean {
    return this.#session !== undefined;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** SUBACK is in, or was refused: an attempt has a bound. */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** Another one is about to take the client id over. Resolves when the messages that are being stored are acknowledged. */
  async lend(): Promise<void> {
    let end: () => void = () => undefined;
    const over = new Promise<void>((resolve) => (end = resolve));
    this.#lent ??= { over, end };
    await this.#session?.hold();
  }

  takeBack(): void {
    this.#session?.resume();
    this.#lent?.end();
    this.#lent = undefined;
  }

  retire(): void {
    this.#stop.abort();
    this.#lent?.end();
  }

  async drain(): Promise<void> {
    // Leaving waits for the messages that are being stored.
  }

  async stop(deadline: Deadline): Promise<void> {
    this.retire();
    await within(deadline, this.#running);
    this.#cut.abort();
  }

  /** A message was stored: the way works. */
  stable(): void {
    this.#backoff.recovered();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const session = await this.#open();
      this.#settled();
      if (session !== undefined) await this.#serve(session);
      await this.#lent?.over;
      if (signal.aborted) return;
      const wait = this.#backoff.failed();
      if (wait === undefined) return this.deps.watcher.exhausted();
      await pause(wait, undefined, { signal }).catch(() => undefined);
    }
  }

  async #open(): Promise<SubscriberSession | undefined> {
    const { watcher, predecessor, gate } = this.deps;
    try {
      return await openSubscriberSession({
        ...this.options,
        version: this.#version,
        subscription: this.#subscription,
        take: (message) => watcher.take(message),
        stop: this.#stop.signal,
        cut: this.#cut.signal,
        gate,
        hooks: {
          secured: () => {
            watcher.secured();
            return predecessor?.lend();
          },
          connected: () => watcher.admitted(),
        },
      });
    } catch (error) {
      predecessor?.takeBack();
      if (this.#stop.signal.aborted) return undefined;
      if (this.#version === 5 && error instanceof BridgeError && refusesVersion(error.cause)) this.#version = 4;
      watcher.openFailed(error);
      return undefined;
    }
  }

  /** Lasts as long as the session, and until nothing of it is at work any more: the next one may be given the same message. */
  async #serve(session: SubscriberSession): Promise<void> {
    this.#session = session;
    if (!this.#stop.signal.aborted) this.deps.watcher.opened(session);
    const end = await session.ended;
    this.#session = undefined;
    if (this.#stop.signal.aborted || this.#lent !== undefined) return session.finished();
    const stable = performance.now() - session.openedAt >= stableAfterMs && end.reason !== 'client_id_taken_over';
    if (stable && !end.byStore) this.#backoff.recovered();
    this.deps.watcher.lost(end);
    await session.finished();
  }
}
