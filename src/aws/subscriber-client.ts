import { MqttClient, type IClientOptions } from 'mqtt';
import type { IPublishPacket } from 'mqtt-packet';
import type { TLSSocket } from 'node:tls';
import { messageOf } from '../errors.js';

export interface MessageSink {
  /** Resolves when the message may be acknowledged. Settles within a bound. */
  take(message: IPublishPacket): Promise<void>;
  /** A QoS 1 message could not be taken: nothing after it is taken or acknowledged, so the session has to end. */
  failed(error: unknown): void;
}

/** How long a polite end may take before the socket is cut, ms. */
const politeEndMs = 1_000;

/**
 * An MQTT client that acknowledges a message when it was taken. MQTT.js handles one incoming packet at a time and sends the PUBACK
 * when `handleMessage` calls back; called back with an error, it goes on to the next packet without one.
 */
export class SubscriberClient extends MqttClient {
  #begin: () => void = () => undefined;
  readonly #begun = new Promise<void>((resolve) => (this.#begin = resolve));
  #taking: Promise<void> | undefined;
  #refusing = false;
  #lastTakenAt = 0;
  #lastHeardAt = 0;
  #pingedAt = 0;

  constructor(
    openStream: () => TLSSocket,
    options: IClientOptions,
    private readonly sink: MessageSink,
  ) {
    super(openStream, options);
    this.on('packetreceive', () => (this.#lastHeardAt = performance.now()));
    this.on('packetsend', ({ cmd }) => {
      if (cmd === 'pingreq') this.#pingedAt = performance.now();
    });
  }

  /** Milliseconds since it began, or since the last message was taken; 0 while one is. */
  get idleMs(): number {
    return this.#taking === undefined ? performance.now() - this.#lastTakenAt : 0;
  }

  /** Takes messages from now on. A kept session gets them right behind CONNACK, before its owner is ready. */
  begin(): void {
    this.#lastTakenAt = performance.now();
    this.#begin();
  }

  /** Takes no more messages: what still comes stays unacknowledged. Resolves when the one that is being taken is done with. */
  async refuse(): Promise<void> {
    this.#refusing = true;
    await this.#taking;
  }

  /** Ends politely: the last message, DISCONNECT, the socket. DISCONNECT names no expiry, so the session stays as CONNECT asked (MQTT 5.0, 3.14.2.2.2). */
  async leave(): Promise<void> {
    await this.refuse();
    const late = setTimeout(() => this.stream.destroy(), politeEndMs);
    await this.endAsync().finally(() => clearTimeout(late));
  }

  override handleMessage(message: IPublishPacket, callback: (error?: Error) => void): void {
    this.#taking = this.#take(message, callback).finally(() => {
      this.#taking = undefined;
      this.#lastTakenAt = performance.now();
    });
  }

  /** While a message is being taken, the PINGRESP waits behind it unread: only silence beside that means that the connection is dead. */
  override onKeepaliveTimeout(): void {
    if (this.#taking === undefined && this.#lastHeardAt < this.#pingedAt) super.onKeepaliveTimeout();
    else this.sendPing();
  }

  async #take(message: IPublishPacket, callback: (error?: Error) => void): Promise<void> {
    await this.#begun;
    if (this.#refusing) return callback(new Error('not taken'));
    try {
      await this.sink.take(message);
    } catch (error) {
      // Nobody sends a QoS 0 message again, so it is no reason to end the session.
      this.#refusing ||= message.qos > 0;
      callback(new Error(messageOf(error)));
      if (message.qos > 0) this.sink.failed(error);
      return;
    }
    callback();
  }
}
