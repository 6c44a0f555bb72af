import { constants } from 'node:crypto';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import type { Broker } from './broker.js';
import { serveConnection, type Connection } from './connection.js';
import type { Principal } from './principal.js';

/** Serves MQTT on a stream of somebody who is let in. */
export type Accept = (stream: Duplex, principal: Principal) => void;

/** Decides after the TLS handshake who comes in, and how MQTT is carried. */
export interface Door {
  readonly tls: TlsOptions;
  knock(socket: TLSSocket, accept: Accept): void;
}

/** The network side: TCP, TLS, who is let in, and the faults of a network. */
export interface Listener {
  /** Resolves to the port. */
  listen(port: number, host: string): Promise<number>;
  /** The network is gone: the port is closed and every socket is destroyed. */
  cut(): Promise<void>;
  /** The network swallows everything: sockets stay, new ones are accepted, nothing is read or answered. */
  blackhole(): void;
  /** Ends `cut` and `blackhole`. */
  restore(): Promise<void>;
  /** Says goodbye to all clients and closes. */
  close(): Promise<void>;
}

const closeOf = (socket: Duplex): Promise<void> =>
  new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });

const closeServer = (server: TcpServer): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

/** Not listening yet. TLS 1.2 or newer without session tickets, as AWS has it. */
export const createListener = (broker: Broker, door: Door): Listener => {
  const rawSockets = new Set<Socket>();
  const silenced = new Set<Socket>();
  const connections = new Set<Connection>();
  let blackholed = false;
  let bound = { port: 0, host: '127.0.0.1' };

  const accept: Accept = (stream, principal) => {
    const connection = serveConnection(stream, broker, { principal, closed: () => connections.delete(connection) });
    connections.add(connection);
    if (blackholed) connection.wire.mute();
  };

  const tls = createTlsServer({ ...door.tls, minVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET });
  tls.on('tlsClientError', (_error, socket) => socket.destroy());
  tls.on('secureConnection', (socket) => door.knock(socket, accept));

  const tcp = createTcpServer((socket) => {
    rawSockets.add(socket);
    socket.on('close', () => rawSockets.delete(socket) && silenced.delete(socket));
    socket.on('error', () => undefined);
    if (blackholed) silenced.add(socket);
    else tls.emit('connection', socket);
  });

  const listen = (port: number, host: string): Promise<number> =>
    new Promise((resolve, reject) => {
      tcp.once('error', reject);
      tcp.listen(port, host, () => {
        tcp.off('error', reject);
        bound = { port: (tcp.address() as AddressInfo).port, host };
        resolve(bound.port);
      });
    });

  /** Whoever has not got as far as a connection, such as a client in the middle of a handshake, gets no goodbye. */
  const stopListening = async (goodbyes: Promise<void[]>): Promise<void> => {
    const closed = closeServer(tcp);
    await goodbyes;
    for (const socket of rawSockets) socket.destroy();
    await closed;
  };

  const endBlackhole = (): void => {
    blackholed = false;
    for (const { wire } of connections) wire.unmute();
    for (const socket of silenced) tls.emit('connection', socket);
    silenced.clear();
  };

  return {
    listen,
    cut: async () => {
      const closed = closeServer(tcp);
      for (const { client } of [...connections]) client.close('cut');
      for (const { wire } of connections) wire.destroy();
      for (const socket of rawSockets) socket.destroy();
      await closed;
    },
    blackhole: () => {
      blackholed = true;
      for (const { wire } of connections) wire.mute();
    },
    restore: async () => {
      if (blackholed) endBlackhole();
      if (!tcp.listening) await listen(bound.port, bound.host);
    },
    close: async () => {
      if (blackholed) endBlackhole();
      const goodbyes = Promise.all([...connections].map(({ wire }) => closeOf(wire.socket)));
      for (const { client } of [...connections]) client.close('stopping');
      await stopListening(goodbyes);
    },
  };
};
