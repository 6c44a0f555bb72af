import { constants } from 'node:crypto';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Broker } from './broker.js';
import type { IssuedCertificate } from './issue-certificate.js';
import { serveConnection, type Connection } from './connection.js';
import { certificateIdOf } from './registry.js';

export interface ListenerOptions {
  readonly broker: Broker;
  readonly ca: IssuedCertificate;
  readonly server: IssuedCertificate;
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

/** AWS's ALPN name for MQTT with certificates on port 443; a client that offers none is served too, as on 8883. */
const alpnProtocols = ['x-amzn-mqtt-ca'];

/** The certificate id of a client that may come in. AWS trusts registered certificates by themselves, whoever signed them. */
const admittedCertificate = (socket: TLSSocket, broker: Broker): string | undefined => {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined || Date.parse(certificate.validTo) < Date.now()) return undefined;
  const certificateId = certificateIdOf(certificate.raw);
  return broker.registry.status(certificateId) === 'ACTIVE' ? certificateId : undefined;
};

/** How long a client that is turned away may take to hang up. */
const lingerMs = 1000;

const closeOf = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });

const closeServer = (server: TcpServer): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

/** Not listening yet. TLS 1.2 or newer with a client certificate, without session tickets, as AWS has it. */
export const createListener = ({ broker, ca, server }: ListenerOptions): Listener => {
  const rawSockets = new Set<Socket>();
  const silenced = new Set<Socket>();
  const connections = new Set<Connection>();
  let blackholed = false;
  let bound = { port: 0, host: '127.0.0.1' };

  const tls = createTlsServer({
    key: server.privateKey,
    cert: server.certificate,
    ca: ca.certificate,
    requestCert: true,
    rejectUnauthorized: false, // the registry decides, after the handshake
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_TICKET,
    ALPNProtocols: alpnProtocols,
  });
  tls.on('tlsClientError', (_error, socket) => socket.destroy());
  tls.on('secureConnection', (socket) => {
    const certificateId = admittedCertificate(socket, broker);
    if (certificateId === undefined) return turnAway(socket);
    const connection = serveConnection(socket, broker, certificateId, () => connections.delete(connection));
    connections.add(connection);
    if (blackholed) connection.wire.mute();
  });

  const turnAway = (socket: TLSSocket): void => {
    socket.on('error', () => undefined);
    socket.resume().end();
    setTimeout(() => socket.destroy(), lingerMs).unref();
    broker.books.note({ kind: 'connect-refused', at: Date.now(), clientId: '', reason: 'certificate_not_active' });
  };

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
