import { generate, type Packet } from 'mqtt-packet';
import type { Broker, OnlineClient } from './broker.js';
import { createByteRate, type ByteRate } from './byte-rate.js';
import type { BrokerMessage } from './message.js';
import type { PolicyAction, PolicyDecision } from './policy.js';
import { connectedMessage, disconnectedMessage } from './presence.js';
import type { Principal } from './principal.js';
import { closeReasons, refusalReasons, type CloseReason, type RefusalReason } from './reason-code.js';
import type { Link, Session } from './session.js';
import { createSlidingWindow, type SlidingWindow } from './sliding-window.js';
import type { Wire } from './wire.js';

export interface Will {
  readonly message: BrokerMessage;
  readonly delaySeconds: number;
}

/** What a CONNECT settled. */
export interface OpenOptions {
  readonly session: Session;
  readonly sessionPresent: boolean;
  readonly expirySeconds: number;
  readonly keepAliveSeconds: number;
  readonly will: Will | undefined;
  readonly window: number;
  readonly maximumPacketSize: number;
}

/** Reasons after which there is no network to say goodbye on. */
const abrupt: ReadonlySet<CloseReason> = new Set<CloseReason>(['connection_lost', 'cut']);

/** One network connection of a client that was let in: its state from CONNECT to close. */
export class Client implements Link, OnlineClient {
  protocolVersion: 4 | 5 = 4;
  clientId = '';
  session: Session | undefined;
  will: Will | undefined;
  window = 0;
  maximumPacketSize = Infinity;
  expirySeconds = 0;
  /** Topics by alias (MQTT 5). */
  readonly aliases = new Map<number, string>();
  /** Packet ids of publishes whose PUBACK is still to be sent. */
  readonly unacknowledged = new Set<number>();
  readonly quota: SlidingWindow;
  readonly storedQuota: SlidingWindow;
  readonly bytes: ByteRate;
  #closed = false;
  #lastReceived = performance.now();
  #keepAliveTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly broker: Broker,
    private readonly wire: Wire,
    private readonly principal: Principal,
  ) {
    this.quota = createSlidingWindow(broker.limits.publishesPerSecond);
    this.storedQuota = createSlidingWindow(broker.limits.storedPerSecond);
    this.bytes = createByteRate(broker.limits.bytesPerSecond);
  }

  get principalId(): string {
    return this.principal.id;
  }

  get closed(): boolean {
    return this.#closed;
  }

  writable(): boolean {
    return this.wire.writable();
  }

  send(bytes: Buffer): void {
    this.wire.send(bytes);
  }

  sendPacket(packet: Packet): void {
    this.send(generate(packet, { protocolVersion: this.protocolVersion }));
  }

  decide(action: PolicyAction, resource: string): PolicyDecision {
    return this.principal.decide({ action, resource, clientId: this.clientId });
  }

  allows(action: PolicyAction, resource: string): boolean {
    return this.decide(action, resource) === 'allow';
  }

  mayReceive(topic: string): boolean {
    return this.allows('iot:Receive', `topic/${topic}`);
  }

  /** Bytes arrived: what is over the rate is delayed by not reading on. */
  received(bytes: number): void {
    const now = performance.now();
    this.#lastReceived = now;
    this.bytes.take(bytes, now);
    const wait = this.bytes.waitMs(now);
    if (wait === 0) return;
    this.wire.hold('rate');
    setTimeout(() => this.wire.release('rate'), wait).unref();
  }

  /** The CONNECT is accepted. */
  open(options: OpenOptions): void {
    Object.assign(this, { will: options.will, window: options.window, maximumPacketSize: options.maximumPacketSize });
    this.session = options.session;
    this.expirySeconds = options.expirySeconds;
    this.broker.online.set(this.clientId, this);
    this.broker.wills.cancel(this.clientId);
    options.session.persistent = options.expirySeconds > 0;
    options.session.attach(this);
    if (options.keepAliveSeconds > 0) this.#watch(options.keepAliveSeconds * 1500);
    const at = Date.now();
    const { clientId, protocolVersion } = this;
    this.broker.books.note({ kind: 'session-opened', at, clientId, protocolVersion, sessionPresent: options.sessionPresent });
    this.#announce(connectedMessage({ clientId, principalId: this.principalId, at }));
  }

  /** Answers a CONNECT with a refusal, or with silence where AWS says nothing, and closes. */
  refuse(reason: RefusalReason, code: number | null = refusalReasons[reason].v5): void {
    if (this.#closed) return;
    this.#closed = true;
    const { v4 } = refusalReasons[reason];
    if (this.protocolVersion === 5 && code !== null) this.sendPacket({ cmd: 'connack', reasonCode: code, sessionPresent: false });
    if (this.protocolVersion === 4 && v4 !== null) this.sendPacket({ cmd: 'connack', returnCode: v4, sessionPresent: false });
    this.wire.end();
    this.broker.books.note({ kind: 'connect-refused', at: Date.now(), clientId: this.clientId, reason });
  }

  /** Closes the connection, for MQTT 5 after a DISCONNECT with the reason; the session stays or ends as its expiry says. */
  close(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#keepAliveTimer);
    const code = closeReasons[reason];
    if (this.session !== undefined && this.protocolVersion === 5 && code !== null) this.sendPacket({ cmd: 'disconnect', reasonCode: code });
    if (abrupt.has(reason)) this.wire.destroy();
    else this.wire.end();
    if (this.session !== undefined) this.#leave(this.session, reason);
  }

  #leave(session: Session, reason: CloseReason): void {
    const { clientId, principalId, expirySeconds, will } = this;
    if (this.broker.online.get(clientId) === this) this.broker.online.delete(clientId);
    const at = Date.now();
    this.broker.books.note({ kind: 'session-closed', at, clientId, reason });
    this.broker.sessions.leave(session, expirySeconds);
    if (will !== undefined && reason !== 'stopping' && this.allows('iot:Publish', `topic/${will.message.topic}`)) {
      this.broker.wills.schedule(clientId, will.message, Math.min(will.delaySeconds, expirySeconds));
    }
    this.#announce(disconnectedMessage({ clientId, principalId, at }, reason));
  }

  #announce(message: BrokerMessage | undefined): void {
    if (message !== undefined) this.broker.router.route(message);
  }

  /** One timer for each connection, set anew only when it fires, so that a packet costs nothing. */
  #watch(silenceMs: number): void {
    const left = silenceMs - (performance.now() - this.#lastReceived);
    if (left <= 0) return this.close('keep_alive_timeout');
    this.#keepAliveTimer = setTimeout(() => this.#watch(silenceMs), Math.ceil(left)).unref();
  }
}
