import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { at } from '../test/end-to-end/support/load.js';

/** How bytes pass while they pass; each direction by itself. */
export interface Shape {
  /** Every chunk arrives so much later, ms. */
  readonly delayMs?: number;
  /** Bytes a second of each direction of each connection; absent: as fast as it goes. */
  readonly bytesPerSecond?: number;
  /** A connection is reset in the middle of its bytes when so many went from the client to the server. */
  readonly cutAfterBytes?: number;
}

/** A TCP proxy on 127.0.0.1 whose network can be bad. Every change takes effect at once. */
export interface Proxy {
  readonly port: number;
  /** When each connection was asked for, ms of the monotonic clock; those that met a closed port are not seen. */
  readonly connects: readonly number[];
  /** Resets every connection; new ones are served. */
  cut(): void;
  /** Resets every connection and closes the port. */
  refuse(): Promise<void>;
  /** Resets every connection, and each new one as soon as it is accepted. */
  reset(): void;
  /** Nothing passes and nothing is closed, on open connections and on new ones. What was sent meanwhile arrives after `restore`, as TCP has it. */
  blackhole(): void;
  /** Resets every connection; new ones are accepted and get no answer, so that their TLS handshake hangs. */
  hold(): void;
  /** The server's side of every connection seems to have ended (FIN); the client's bytes still pass. */
  halfClose(): void;
  shape(shape: Shape): void;
  /** All is well again; shapes too are gone. */
  restore(): Promise<void>;
  close(): Promise<void>;
}

interface Gate {
  readonly passed: Promise<void>;
  open(): void;
}

const closedGate = (): Gate => {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
};

/** Bytes of one direction that wait in the proxy before its source is read no further. */
const mostQueued = 256 * 1024;

const ended = (socket: Socket): boolean => socket.destroyed || socket.writableEnded;

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });

/** What all connections of a proxy go by. */
interface Weather {
  gate: Gate | undefined;
  shape: Shape;
}

/** Carries one direction: in order, when each chunk is due and the gate is open. */
const carry = (source: Socket, sink: Socket, weather: Weather, passed: (bytes: number) => number): void => {
  let last: Promise<void> = Promise.resolve();
  let queued = 0;
  let freeAt = 0;

  const dueOf = (bytes: number): number => {
    const { delayMs = 0, bytesPerSecond } = weather.shape;
    freeAt = Math.max(freeAt, performance.now() + delayMs) + (bytesPerSecond === undefined ? 0 : (bytes * 1_000) / bytesPerSecond);
    return freeAt;
  };
  const inTurn = (due: number, act: () => void): void => {
    last = last.then(async () => {
      await at(due);
      while (weather.gate !== undefined) await weather.gate.passed;
      act();
    });
  };

  source.on('data', (chunk: Buffer) => {
    queued += chunk.length;
    if (queued > mostQueued) source.pause();
    inTurn(dueOf(chunk.length), () => {
      queued -= chunk.length;
      if (queued <= mostQueued) source.resume();
      if (ended(sink)) return;
      const allowed = passed(chunk.length);
      sink.write(chunk.subarray(0, allowed));
      if (allowed >= chunk.length) return;
      // The part that may pass leaves the process before the reset, or the other side would see none of it.
      setImmediate(() => {
        source.resetAndDestroy();
        sink.resetAndDestroy();
      });
    });
  });
  source.on('error', () => undefined);
  source.on('end', () => inTurn(0, () => void (ended(sink) || sink.end())));
  source.on('close', () => inTurn(0, () => void sink.destroySoon()));
};

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
}

/** Opens a proxy before 127.0.0.1:`target`. */
export const openProxy = async (target: number): Promise<Proxy> => {
  const pairs = new Set<Pair>();
  const connects: number[] = [];
  const weather: Weather = { gate: undefined, shape: {} };
  let resetting = false;

  const accept = (client: Socket): void => {
    connects.push(performance.now());
    client.on('error', () => undefined);
    if (resetting) return void client.resetAndDestroy();
    client.setNoDelay(true);
    const upstream = connect({ port: target, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const pair = { client, upstream };
    const { cutAfterBytes = Number.POSITIVE_INFINITY } = weather.shape;
    let sent = 0;
    pairs.add(pair);
    client.on('close', () => pairs.delete(pair));
    carry(client, upstream, weather, (bytes) => {
      sent += bytes;
      return sent > cutAfterBytes ? Math.max(0, bytes - (sent - cutAfterBytes)) : bytes;
    });
    carry(upstream, client, weather, (bytes) => bytes);
  };

  const server = createServer({ allowHalfOpen: true }, accept);
  await listen(server, 0);
  const { port } = server.address() as AddressInfo;

  const cut = (): void => {
    for (const { client, upstream } of pairs) {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    }
  };
  const shut = (): Promise<void> =>
    new Promise((resolve) => {
      if (server.listening) server.close(() => resolve());
      else resolve();
      cut();
    });
  const openGate = (): void => {
    const { gate } = weather;
    weather.gate = undefined;
    gate?.open();
  };

  return {
    port,
    connects,
    cut,
    refuse: shut,
    reset() {
      resetting = true;
      cut();
    },
    blackhole() {
      weather.gate ??= closedGate();
    },
    hold() {
      cut();
      weather.gate ??= closedGate();
    },
    halfClose() {
      for (const { client } of pairs) client.end();
    },
    shape(shape) {
      weather.shape = shape;
    },
    async restore() {
      resetting = false;
      weather.shape = {};
      openGate();
      if (!server.listening) await listen(server, port);
    },
    async close() {
      openGate();
      await shut();
    },
  };
};
