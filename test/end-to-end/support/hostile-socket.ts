import { connect, type Socket } from 'node:net';
import { connect as connectOverTls, TLSSocket } from 'node:tls';

/** What a raw connection got. */
export interface Exchange {
  /** Status of each answer, in order. */
  readonly statuses: readonly number[];
  /** Whether the bridge closed the connection. */
  readonly closed: boolean;
  /** Bytes that the bridge took before it answered or closed. */
  readonly sent: number;
  readonly received: number;
}

export interface ExchangeOptions {
  /** Ends after this many answers, or when the bridge closes. */
  readonly answers?: number;
  /** Sends FIN after the last piece. */
  readonly end?: boolean;
  /** Ends by itself after the last piece, without an answer: the sender that goes away. */
  readonly leave?: boolean;
  readonly timeoutMs?: number;
}

/** A connection that an attacker opened. */
export interface RawConnection {
  readonly socket: Socket;
  readonly statuses: () => readonly number[];
  readonly isClosed: () => boolean;
  /** Resolves when that many answers are there, or the bridge closed. @throws after the time */
  settled(answers: number, timeoutMs: number): Promise<void>;
}

const statusLine = /HTTP\/1\.1 (\d{3}) /g;

const openSocket = (url: string, silent: boolean): Socket => {
  const { protocol, hostname: host, port } = new URL(url);
  const address = { host, port: Number(port) };
  return protocol === 'https:' && !silent ? connectOverTls({ ...address, rejectUnauthorized: false }) : connect(address);
};

/** Opens a connection to the ingress, over TLS where it speaks it. Errors of the socket count as closed: an attacked server may reset. @param silent Not even a TLS handshake is begun. */
export const openRaw = (url: string, silent = false): RawConnection => {
  const socket = openSocket(url, silent);
  const checks = new Set<() => void>();
  let text = '';
  let closed = false;
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
    for (const check of checks) check();
  });
  socket.on('error', () => undefined);
  socket.on('end', () => socket.end());
  socket.on('close', () => {
    closed = true;
    for (const check of checks) check();
  });
  const statuses = (): readonly number[] => [...text.matchAll(statusLine)].map(([, status]) => Number(status));
  return {
    socket,
    statuses,
    isClosed: () => closed,
    settled: (answers, timeoutMs) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (!closed && statuses().length < answers) return;
          clearTimeout(timer);
          checks.delete(check);
          resolve();
        };
        const timer = setTimeout(() => {
          checks.delete(check);
          reject(new Error(`neither ${answers} answers nor an end in ${timeoutMs} ms: ${text.slice(0, 200)}`));
        }, timeoutMs);
        checks.add(check);
        check();
      }),
  };
};

/** Waits until the socket takes more, the bridge answered or closed. */
const room = async ({ socket, isClosed, statuses }: RawConnection): Promise<boolean> => {
  if (isClosed() || statuses().length > 0) return false;
  if (!socket.writableNeedDrain) return true;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      for (const name of ['drain', 'close', 'data']) socket.off(name, done);
      resolve();
    };
    for (const name of ['drain', 'close', 'data']) socket.on(name, done);
  });
  return !isClosed() && statuses().length === 0;
};

/** Sends the pieces one after the other as fast as they are taken, and gathers what comes back. */
export const exchange = async (url: string, pieces: Iterable<Buffer | string>, { answers = 1, end = false, leave = false, timeoutMs = 30_000 }: ExchangeOptions = {}): Promise<Exchange> => {
  const raw = openRaw(url);
  const { socket } = raw;
  let first = true;
  for (const piece of pieces) {
    if (!first && !(await room(raw))) break;
    first = false;
    socket.write(piece);
  }
  if (end) socket.end();
  if (leave) await new Promise<void>((resolve) => void socket.write('', () => resolve()));
  else await raw.settled(answers, timeoutMs);
  const result = { statuses: raw.statuses(), closed: raw.isClosed(), sent: socket.bytesWritten, received: socket.bytesRead };
  // Node resets no TLS socket.
  if (leave && !(socket instanceof TLSSocket)) socket.resetAndDestroy();
  else socket.destroy();
  return result;
};
