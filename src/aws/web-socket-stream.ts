import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

/** Longest binary frame that is sent, bytes; a receiver may not care where frames end (MQTT 5.0, 6). */
const longestFrame = 65_536;

const framesOf = (bytes: Buffer): Buffer[] => {
  const frames: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += longestFrame) frames.push(bytes.subarray(start, start + longestFrame));
  return frames;
};

/** The bytes of an open WebSocket. What is written in one turn leaves as one frame: a frame for each field of a packet would cost a TLS record each. */
export class WebSocketStream extends Duplex {
  constructor(private readonly webSocket: WebSocket) {
    super();
    webSocket.on('message', (message: Buffer) => {
      if (!this.push(message)) webSocket.pause();
    });
    webSocket.on('error', (error) => this.destroy(error));
    // What came before the close is read first: it may hold a DISCONNECT with the reason.
    webSocket.once('close', () => this.push(null));
    this.once('end', () => this.destroy());
  }

  override _read(): void {
    if (this.webSocket.isPaused) this.webSocket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    const frames = framesOf(chunk);
    const last = frames.pop();
    for (const frame of frames) this.webSocket.send(frame);
    if (last === undefined) callback();
    else this.webSocket.send(last, callback);
  }

  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], callback: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.webSocket.close();
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.webSocket.terminate();
    callback(error);
  }
}
