import { parser as createParser, type Packet } from 'mqtt-packet';
import type { Duplex } from 'node:stream';

/** Bytes of the largest MQTT packet (AWS quota: 146 KB). */
export const maxPacketBytes = 146 * 1024;
/** Bytes waiting for a slow client before the broker stops reading from it and delivering to it. */
const maxBacklogBytes = 1024 * 1024;
/** How long a client may take to read the last bytes before its socket is destroyed. */
const lingerMs = 1000;

export interface WireListener {
  packet(packet: Packet): void;
  /** Bytes arrived, before their packets are handed over. */
  received(bytes: number): void;
  broken(reason: 'malformed_packet' | 'packet_too_large'): void;
  /** The socket takes bytes again after `writable` was false. */
  drained(): void;
  closed(): void;
}

/** MQTT packets on a TLS socket or a WebSocket: packets in, bytes out, the writes of one turn of the event loop joined. */
export class Wire {
  readonly #parser = createParser();
  readonly #holds = new Set<string>();
  #arrived: Packet[] = [];
  #out: Buffer[] = [];
  #outBytes = 0;
  #flushing = false;
  #wanted = false;
  #muted = false;
  #ended = false;
  #malformed = false;

  constructor(
    readonly socket: Duplex,
    private readonly listener: WireListener,
  ) {}

  start(): void {
    this.#parser.on('packet', (packet) => this.#arrived.push(packet));
    this.#parser.on('error', () => {
      this.#malformed = true;
    });
    this.socket.on('error', () => undefined); // 'close' follows and says all there is to do
    this.socket.on('close', () => this.listener.closed());
    this.socket.on('drain', () => this.#drained());
    this.socket.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  send(bytes: Buffer): void {
    if (this.#ended) return;
    this.#out.push(bytes);
    this.#outBytes += bytes.length;
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => this.#flush());
  }

  writable(): boolean {
    const free = !this.#muted && !this.#ended && this.#outBytes + this.socket.writableLength < maxBacklogBytes;
    this.#wanted = !free;
    return free;
  }

  /** Stops reading for a named reason, until `release` of the same name. */
  hold(name: string): void {
    this.#holds.add(name);
    this.socket.pause();
  }

  release(name: string): void {
    this.#holds.delete(name);
    if (this.#holds.size === 0) this.socket.resume();
  }

  /** Keeps the TCP connection, but reads nothing and writes nothing. */
  mute(): void {
    this.#muted = true;
    this.hold('muted');
  }

  unmute(): void {
    if (!this.#muted) return;
    this.#muted = false;
    if (this.#ended) this.socket.destroy();
    this.#flush();
    this.release('muted');
    this.#drained();
  }

  /** Sends what is left and closes; a muted wire keeps silent until it is unmuted. */
  end(): void {
    if (this.#ended) return;
    this.#flush();
    this.#ended = true;
    if (this.#muted) return;
    this.socket.end();
    this.socket.resume();
    setTimeout(() => this.socket.destroy(), lingerMs).unref();
  }

  destroy(): void {
    this.#ended = true;
    this.socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.#ended) return;
    this.listener.received(chunk.length);
    const unparsed = this.#parse(chunk);
    const packets = this.#arrived;
    this.#arrived = [];
    for (const packet of packets) if (!this.#ended) this.listener.packet(packet);
    if (this.#ended) return;
    if (this.#malformed) this.listener.broken('malformed_packet');
    else if (unparsed > maxPacketBytes) this.listener.broken('packet_too_large');
  }

  /** The parser reads past the end of some malformed packets and throws; that is the same as an error it reports. */
  #parse(chunk: Buffer): number {
    try {
      return this.#parser.parse(chunk);
    } catch {
      this.#malformed = true;
      return 0;
    }
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#muted || this.#out.length === 0 || this.socket.destroyed) return;
    const bytes = Buffer.concat(this.#out, this.#outBytes);
    this.#out = [];
    this.#outBytes = 0;
    this.socket.write(bytes);
    if (this.socket.writableLength >= maxBacklogBytes) this.hold('backlog');
    else this.#drained();
  }

  #drained(): void {
    if (this.#holds.has('backlog') && this.socket.writableLength < maxBacklogBytes) this.release('backlog');
    if (this.#wanted && this.writable()) this.listener.drained();
  }
}
