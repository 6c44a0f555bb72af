import type { Server, Socket } from 'node:net';

export interface ConnectionRoomOptions {
  /** Most connections that are open at once. */
  readonly most: number;
  /** Called for each connection that was closed for the sake of another one. */
  readonly closed: () => void;
}

export interface ConnectionRoom {
  /** A message that came over this connection was taken. Call it for each: all but the first cost nothing. */
  trust(socket: Socket): void;
}

/** Over TLS a request names another socket object than the one that was accepted; what is the same is the far end. */
const farEnd = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress ?? ''} ${remotePort ?? 0}`;

/**
 * Bounds what open connections cost in memory, without a way for strangers to lock out who belongs here: when there are too many,
 * the oldest of those that never brought a message goes. When all brought one, the newest goes.
 */
export const limitConnections = (server: Server, { most, closed }: ConnectionRoomOptions): ConnectionRoom => {
  const open = new Set<Socket>();
  const strangers = new Map<string, Socket>();
  const trusted = new WeakSet<Socket>();

  const forget = (socket: Socket, name: string): void => {
    open.delete(socket);
    if (strangers.get(name) === socket) strangers.delete(name);
  };

  server.on('connection', (socket: Socket) => {
    const name = farEnd(socket);
    open.add(socket);
    strangers.set(name, socket);
    socket.once('close', () => forget(socket, name));
    if (open.size <= most) return;
    for (const [oldest, stranger] of strangers) {
      forget(stranger, oldest);
      stranger.destroy();
      return closed();
    }
  });

  return {
    trust(socket) {
      if (trusted.has(socket)) return;
      trusted.add(socket);
      strangers.delete(farEnd(socket));
    },
  };
};
