import type { Books } from './books.js';
import type { ByteRate } from './byte-rate.js';
import type { SandboxLimits } from './limits.js';
import { encodePublish, type BrokerMessage, type Delivery } from './message.js';
import type { SlidingWindow } from './sliding-window.js';
import type { TopicMatcher } from './topic-match.js';

/** What a session needs of the connection that its client is on. */
export interface Link {
  /** QoS 1 messages that may wait for the client's PUBACK. */
  readonly window: number;
  /** Bytes; a larger PUBLISH is not sent (MQTT-3.1.2-24). */
  readonly maximumPacketSize: number;
  /** PUBLISH packets a second, both directions. */
  readonly quota: SlidingWindow;
  /** Stored messages a second. */
  readonly storedQuota: SlidingWindow;
  readonly bytes: ByteRate;
  /** False while the socket takes nothing more; `Session.pump` is called when that ends. */
  writable(): boolean;
  mayReceive(topic: string): boolean;
  send(bytes: Buffer): void;
}

/** A shared subscription group, as its members see it. */
export interface MessageSource {
  /** Whether messages wait for a member to come back. */
  readonly waiting: boolean;
  /** The next one of them. */
  take(session: Session): Delivery | undefined;
  dispatch(message: BrokerMessage): void;
}

export interface Subscription {
  /** As the client wrote it, `$share/…` included. */
  readonly filter: string;
  readonly matches: TopicMatcher;
  readonly qos: 0 | 1;
  /** MQTT 5: not to be given the client's own messages. */
  readonly noLocal: boolean;
  /** MQTT 5: messages keep their RETAIN flag. */
  readonly retainAsPublished: boolean;
  /** Set for a shared subscription. */
  readonly group?: MessageSource;
}

export interface SessionDeps {
  readonly limits: SandboxLimits;
  readonly books: Books;
}

const maxPacketId = 65_535;

/** What the broker keeps about one client: subscriptions, unacknowledged and stored messages. It may outlive the connection. */
export class Session {
  readonly subscriptions = new Map<string, Subscription>();
  /** True when it outlives its connection. */
  persistent = false;
  #link: Link | undefined;
  #live: Delivery[] = [];
  #stored: Delivery[] = [];
  #inFlight = new Map<number, Delivery>();
  #lastPacketId = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    readonly clientId: string,
    readonly protocolVersion: 4 | 5,
    private readonly deps: SessionDeps,
  ) {}

  get online(): boolean {
    return this.#link !== undefined;
  }

  attach(link: Link): void {
    this.#link = link;
  }

  /** The client is gone: what it did not acknowledge and what QoS 1 messages waited for it are stored. */
  detach(): void {
    this.#link = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const unsent = this.#live.filter((delivery) => delivery.qos === 1);
    this.#stored = [...this.#inFlight.values(), ...this.#stored, ...unsent];
    this.#inFlight.clear();
    this.#live = [];
  }

  /** Ends the session for good; messages of a shared group go back to it (MQTT-4.8.2-4 and -5). */
  end(): void {
    this.detach();
    const orphans = this.#stored;
    this.#stored = [];
    for (const { group, message } of orphans) group?.dispatch(message);
  }

  /** Delivers a message now, or keeps it for later when QoS and session allow it. */
  offer(delivery: Delivery): void {
    if (this.online) {
      this.#keep(this.#live, delivery);
      this.pump();
    } else if (delivery.qos === 1) {
      this.#keep(this.#stored, delivery);
    }
  }

  acknowledge(packetId: number): void {
    if (this.#inFlight.delete(packetId)) this.pump();
  }

  /** Sends as much as the window, the quotas and the socket allow. */
  pump(): void {
    for (;;) {
      const link = this.#link;
      if (link === undefined || !link.writable()) return;
      const queue = this.#nextQueue(link);
      if (queue === undefined || !this.#sendFirst(link, queue)) return;
    }
  }

  #keep(queue: Delivery[], delivery: Delivery): void {
    if (queue.length < this.deps.limits.maxStoredMessages || this.deps.limits.maxStoredMessages === 0) queue.push(delivery);
    else this.deps.books.storeFull();
  }

  /** New messages first: AWS lets stored ones trickle beside them. */
  #nextQueue(link: Link): Delivery[] | undefined {
    if (this.#live.length > 0) return this.#live;
    if (this.#stored.length === 0 && !this.#groupsWait()) return undefined;
    const wait = link.storedQuota.waitMs(performance.now());
    if (wait > 0) {
      this.#pumpIn(wait);
      return undefined;
    }
    if (this.#stored.length === 0) this.#takeFromGroups();
    return this.#stored.length === 0 ? undefined : this.#stored;
  }

  #groupsWait(): boolean {
    for (const { group } of this.subscriptions.values()) if (group?.waiting === true) return true;
    return false;
  }

  #takeFromGroups(): void {
    for (const { group } of this.subscriptions.values()) {
      const delivery = group?.take(this);
      if (delivery !== undefined) {
        this.#stored.push(delivery);
        return;
      }
    }
  }

  /** True when the first message left the queue, sent or dropped. */
  #sendFirst(link: Link, queue: Delivery[]): boolean {
    const delivery = queue[0];
    if (delivery === undefined) return false;
    const { message, qos } = delivery;
    if ((message.expiresAt ?? Infinity) <= Date.now() || !link.mayReceive(message.topic)) return queue.shift() !== undefined;
    if (qos === 1 && this.#inFlight.size >= link.window) return false;
    const now = performance.now();
    const quotaWait = link.quota.waitMs(now);
    if (quotaWait > 0 && qos === 0) return queue.shift() !== undefined;
    const wait = Math.max(quotaWait, link.bytes.waitMs(now));
    if (wait > 0) {
      this.#pumpIn(wait);
      return false;
    }
    queue.shift();
    if (queue === this.#stored) link.storedQuota.admit(now);
    this.#send(link, delivery, now);
    return true;
  }

  #send(link: Link, delivery: Delivery, now: number): void {
    const packetId = delivery.qos === 1 ? this.#freePacketId() : 0;
    const bytes = encodePublish(delivery, this.protocolVersion, packetId, Date.now());
    if (bytes.length > link.maximumPacketSize) return;
    if (delivery.qos === 1) this.#inFlight.set(packetId, delivery);
    link.quota.admit(now);
    link.bytes.take(bytes.length, now);
    link.send(bytes);
    this.deps.books.delivered();
  }

  #freePacketId(): number {
    do this.#lastPacketId = (this.#lastPacketId % maxPacketId) + 1;
    while (this.#inFlight.has(this.#lastPacketId));
    return this.#lastPacketId;
  }

  #pumpIn(waitMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.pump();
    }, Math.ceil(waitMs)).unref();
  }
}
