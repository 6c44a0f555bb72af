import type { IDisconnectPacket, Packet } from 'mqtt-packet';
import type { Duplex } from 'node:stream';
import type { Broker } from './broker.js';
import { Client } from './client.js';
import { handleConnect } from './handle-connect.js';
import { handlePublish } from './handle-publish.js';
import { handleSubscribe, handleUnsubscribe } from './handle-subscribe.js';
import type { Principal } from './principal.js';
import { reasonCode } from './reason-code.js';
import { Wire } from './wire.js';

/** How long a client may take from the TLS handshake to its CONNECT. */
const connectTimeoutMs = 30_000;
const pingResponse = Buffer.from([0xd0, 0x00]);

/** One connection after its handshake, for the listener. */
export interface Connection {
  readonly client: Client;
  readonly wire: Wire;
}

/** DISCONNECT of the client: its will goes out only when MQTT 5 asks for it, and MQTT 5 may change the session expiry (3.14.2). */
const handleDisconnect = (client: Client, broker: Broker, { reasonCode: code, properties }: IDisconnectPacket): void => {
  if (code !== reasonCode.disconnectWithWill) client.will = undefined;
  const asked = properties?.sessionExpiryInterval;
  if (asked !== undefined && client.expirySeconds === 0 && asked > 0) return client.close('protocol_error');
  const longest = broker.limits.sessionExpirySeconds || Infinity;
  if (asked !== undefined) client.expirySeconds = Math.min(asked, longest);
  client.close('client_disconnect');
};

/** A packet of a client that is connected. */
const handlePacket = (client: Client, broker: Broker, packet: Packet): void => {
  const { session } = client;
  if (session === undefined) return client.close('protocol_error');
  switch (packet.cmd) {
    case 'publish':
      return handlePublish(client, broker, packet);
    case 'puback':
      return session.acknowledge(packet.messageId ?? 0);
    case 'subscribe':
      return handleSubscribe(client, broker, session, packet);
    case 'unsubscribe':
      return handleUnsubscribe(client, broker, session, packet);
    case 'pingreq':
      return client.send(pingResponse);
    case 'disconnect':
      return handleDisconnect(client, broker, packet);
    default:
      return client.close('protocol_error'); // a second CONNECT, QoS 2's packets, AUTH, and what only a server sends
  }
};

/** Serves MQTT on a stream whose other end was let in. `closed` is called once, when the socket is gone. */
export const serveConnection = (socket: Duplex, broker: Broker, { principal, closed }: { readonly principal: Principal; readonly closed: () => void }): Connection => {
  const wire: Wire = new Wire(socket, {
    packet: (packet) => {
      if (packet.cmd === 'connect' && client.session === undefined) handleConnect(client, broker, packet);
      else handlePacket(client, broker, packet);
    },
    received: (bytes) => client.received(bytes),
    broken: (reason) => client.close(reason),
    drained: () => client.session?.pump(),
    closed: () => {
      clearTimeout(impatience);
      client.close('connection_lost');
      closed();
    },
  });
  const client = new Client(broker, wire, principal);
  const impatience = setTimeout(() => {
    if (client.session === undefined) client.close('protocol_error');
  }, connectTimeoutMs).unref();
  wire.start();
  return { client, wire };
};
