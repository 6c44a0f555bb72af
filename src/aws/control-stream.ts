import { Duplex } from 'node:stream';
import { createPubackReader, type PacketParts } from './puback-reader.js';

/**
 * What an MQTT client gets instead of the stream of its session: all packets but the plain PUBACKs, which go to whoever counts them. Its
 * own packets go out in the order in which they are written, and whole, between those that are written to the stream itself.
 */
export class ControlStream extends Duplex {
  readonly #stream: Duplex;

  constructor(stream: Duplex, acknowledged: PacketParts['acknowledged']) {
    super({ allowHalfOpen: false });
    this.#stream = stream;
    const read = createPubackReader({
      acknowledged,
      other: (bytes) => {
        if (!this.push(bytes)) stream.pause();
      },
    });
    stream.on('data', read);
    stream.once('end', () => this.push(null));
    stream.on('error', (error) => this.destroy(error));
    stream.once('close', () => this.destroy());
  }

  override _read(): void {
    this.#stream.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#stream.write(chunk);
    done();
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#stream.cork();
    for (const { chunk } of chunks) this.#stream.write(chunk);
    this.#stream.uncork();
    done();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#stream.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#stream.destroy();
    done(error);
  }
}
