import { MqttClient, type IClientOptions } from 'mqtt';
import { writeToStream, type IPublishPacket } from 'mqtt-packet';
import type { Duplex } from 'node:stream';

export interface MessageSink {
  /** Resolves when the message may be acknowledged. Settles within a bound. Several are taken at a time, but never two of one topic. */
  take(message: IPublishPacket): Promise<void>;
  /** A QoS 1 message could not be taken: nothing after it is acknowledged, so the session has to end. */
  failed(error: unknown): void;
}

/** How long a polite end may take before the socket is cut, ms. */
const politeEndMs = 1_000;
/**
 * Most messages that are being taken at a time. AWS delivers at most 100 a second (AWS IoT Core quotas, "Publish requests per second per connection"), which
 * these carry with a tenth of a second each; more would only make a burst stand in the way of what is leaving.
 */
export const mostAtOnce = 32;
/** What MQTT.js is called back with, so that it reads on and leaves the PUBACK to this client. */
const acknowledgedLater = new Error('acknowledged later');

/**
 * An MQTT client that acknowledges a message when it was taken. By itself MQTT.js handles one incoming packet at a time, so a store that needs
 * some milliseconds would bound the rate; this one reads on, takes the messages of different topics side by side, and sends the
 * PUBACKs in the order of the messages (MQTT 5.0, 4.6).
 */
export class SubscriberClient extends MqttClient {
  #begin: () => void = () => undefined;
  readonly #begun = new Promise<void>((resolve) => (this.#begin = resolve));
  /** The latest message of each topic that is being taken: the next one of the topic waits for it. */
  readonly #latest = new Map<string, Promise<boolean>>();
  /** Until every message so far is acknowledged, or will not be. */
  #concluded: Promise<void> = Promise.resolve();
  #open = 0;
  /** Reads the next packet; set while as many are being taken as may be. */
  #readOn: (() => void) | undefined;
  /** Set while messages wait because another session is about to take over. */
  #held: { readonly over: Promise<void>; readonly end: () => void } | undefined;
  #refusing = false;
  #missed = false;
  #lastTakenAt = 0;
  #lastHeardAt = 0;
  #pingedAt = 0;

  constructor(
    openStream: () => Duplex,
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
    return this.#open === 0 ? performance.now() - this.#lastTakenAt : 0;
  }

  /** A message of QoS 1 came that was not stored: it is still at the broker. */
  get missed(): boolean {
    return this.#missed;
  }

  /** Takes messages from now on. A kept session gets them right behind CONNACK, before its owner is ready. */
  begin(): void {
    this.#lastTakenAt = performance.now();
    this.#begin();
  }

  /** Lets messages wait, for a session that is about to take the client id over and would get them again. Resolves when those that are being taken are done with. */
  async hold(): Promise<void> {
    let end: () => void = () => undefined;
    const over = new Promise<void>((resolve) => (end = resolve));
    this.#held ??= { over, end };
    await this.#concluded;
  }

  /** Nobody took over: goes on with what waits. */
  resume(): void {
    this.#held?.end();
    this.#held = undefined;
  }

  /** Takes no more messages: what still comes stays unacknowledged. Resolves when those that are being taken are done with. */
  async refuse(): Promise<void> {
    this.#refusing = true;
    this.resume();
    await this.#concluded;
  }

  /** Ends politely: the last messages, DISCONNECT, the socket. DISCONNECT names no expiry, so the session stays as CONNECT asked (MQTT 5.0, 3.14.2.2.2). */
  async leave(): Promise<void> {
    await this.refuse();
    const late = setTimeout(() => this.stream.destroy(), politeEndMs);
    await this.endAsync().finally(() => clearTimeout(late));
  }

  override handleMessage(message: IPublishPacket, callback: (error?: Error) => void): void {
    const taken = this.#inTurn(message);
    this.#concluded = this.#concluded.then(async () => this.#conclude(message, await taken));
    const readOn = (): void => callback(acknowledgedLater);
    if (this.#open < mostAtOnce) readOn();
    else this.#readOn = readOn;
  }

  /** While nothing is read, the PINGRESP waits unread: only silence beside that means that the connection is dead. */
  override onKeepaliveTimeout(): void {
    if (this.#readOn === undefined && this.#lastHeardAt < this.#pingedAt) super.onKeepaliveTimeout();
    else this.sendPing();
  }

  /** Takes it after the one before on its topic. Gives whether it may be acknowledged. */
  async #inTurn(message: IPublishPacket): Promise<boolean> {
    const { topic } = message;
    this.#open += 1;
    const mine = Promise.all([this.#begun, this.#held?.over, this.#latest.get(topic)]).then(() => this.#take(message));
    this.#latest.set(topic, mine);
    const taken = await mine;
    if (this.#latest.get(topic) === mine) this.#latest.delete(topic);
    this.#open -= 1;
    this.#lastTakenAt = performance.now();
    const readOn = this.#readOn;
    this.#readOn = undefined;
    readOn?.();
    return taken;
  }

  async #take(message: IPublishPacket): Promise<boolean> {
    if (this.#refusing) return false;
    try {
      await this.sink.take(message);
      return true;
    } catch (error) {
      if (message.qos === 0) return false;
      // Nobody sends a QoS 0 message again, so only another one is a reason to end the session.
      this.#refusing = true;
      this.sink.failed(error);
      return false;
    }
  }

  /** Nothing is acknowledged behind a message that was not taken: it all comes again, in order. */
  #conclude({ qos, messageId }: IPublishPacket, taken: boolean): void {
    if (qos === 0) return;
    this.#missed ||= !taken;
    if (this.#missed || messageId === undefined || !this.connected) return;
    writeToStream({ cmd: 'puback', messageId, reasonCode: 0 }, this.stream, { protocolVersion: this.options.protocolVersion ?? 5 });
  }
}
