import { generate, parser as createParser, type IConnackPacket, type IConnectPacket, type Packet } from 'mqtt-packet';
import { connect as tlsConnect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { Test } from 'tap';
import { credentialsOf, within, type CertificateAddress } from './harness.js';

/** An MQTT client that sends whatever it is told to, also what no library would send. */
export class RawClient {
  readonly packets: Packet[] = [];
  readonly closed: Promise<void>;
  #waiting: (() => void)[] = [];
  #isClosed = false;

  constructor(
    readonly socket: TLSSocket,
    readonly protocolVersion: 4 | 5,
  ) {
    const parser = createParser({ protocolVersion });
    parser.on('packet', (packet) => {
      this.packets.push(packet);
      this.#wake();
    });
    socket.on('data', (chunk: Buffer) => parser.parse(chunk));
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      });
    });
  }

  send(...packets: Packet[]): void {
    this.sendBytes(Buffer.concat(packets.map((packet) => generate(packet, { protocolVersion: this.protocolVersion }))));
  }

  sendBytes(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** Takes the next packet; undefined when the connection closed without another one. */
  next(): Promise<Packet | undefined> {
    return within('a packet', this.#next());
  }

  /** All that comes until the connection is closed. */
  async rest(): Promise<Packet[]> {
    await within('close', this.closed);
    return this.packets.splice(0);
  }

  async #next(): Promise<Packet | undefined> {
    while (this.packets.length === 0 && !this.#isClosed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.packets.shift();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

export interface RawOptions {
  readonly protocolVersion?: 4 | 5;
  readonly tls?: ConnectionOptions;
}

/** A TLS connection with the bridge's certificate; no MQTT packet is sent yet. Fails when the handshake does. */
export const openRaw = async (t: Test, address: CertificateAddress, { protocolVersion = 5, tls = {} }: RawOptions = {}): Promise<RawClient> => {
  const socket = tlsConnect({ host: '127.0.0.1', port: address.port, servername: 'localhost', ...(await credentialsOf(address)), ...tls });
  t.teardown(() => void socket.destroy());
  const client = new RawClient(socket, protocolVersion);
  await within('TLS handshake', new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', () => resolve());
    socket.once('error', reject);
  }));
  return client;
};

export interface RawConnectOptions extends RawOptions {
  readonly clientId?: string;
  readonly connect?: Partial<IConnectPacket>;
}

/** Connects and returns what came after CONNECT: CONNACK, or undefined when the connection was closed without one. */
export const tryRaw = async (t: Test, address: CertificateAddress, options: RawConnectOptions = {}): Promise<{ client: RawClient; connack: IConnackPacket | undefined }> => {
  const client = await openRaw(t, address, options);
  client.send({ cmd: 'connect', protocolId: 'MQTT', clientId: options.clientId ?? 'raw', protocolVersion: client.protocolVersion, clean: true, keepalive: 60, ...options.connect });
  return { client, connack: (await client.next()) as IConnackPacket | undefined };
};

/** Connects; fails when the broker refuses. */
export const connectRaw = async (t: Test, address: CertificateAddress, options: RawConnectOptions = {}): Promise<RawClient> => {
  const { client, connack } = await tryRaw(t, address, options);
  if ((connack?.reasonCode ?? connack?.returnCode) !== 0) throw new Error(`CONNECT was refused: ${JSON.stringify(connack)}`);
  return client;
};

/** A PUBLISH, QoS 1 with packet id 1 when nothing else is said. */
export const publishPacket = (topic: string, more: Partial<Extract<Packet, { cmd: 'publish' }>> = {}): Packet => ({
  cmd: 'publish',
  topic,
  payload: Buffer.from('x'),
  qos: 1,
  dup: false,
  retain: false,
  messageId: 1,
  ...more,
});

/** A SUBSCRIBE for these filters with QoS 1. */
export const subscribePacket = (...filters: string[]): Packet => ({
  cmd: 'subscribe',
  messageId: 7,
  subscriptions: filters.map((topic) => ({ topic, qos: 1, nl: false, rap: false, rh: 0 })),
});
