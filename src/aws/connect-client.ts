import { once, type EventEmitter } from 'node:events';
import { isIP } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { MqttClient } from 'mqtt';
import type { IConnackPacket } from 'mqtt-packet';
import { connectFailure } from './connect-failure.js';

export type MqttVersion = 4 | 5;

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Certificates that the server's must chain to, PEM; absent: Node's own list. */
  readonly ca?: readonly string[];
  readonly certificate: string;
  readonly privateKey: string;
}

export interface ConnectOptions<C extends MqttClient> {
  readonly endpoint: Endpoint;
  /** For DNS, TCP, TLS and CONNACK together, ms. */
  readonly connectTimeoutMs: number;
  /** Makes the client, which must not connect by itself (`manualConnect`), over the socket it is given. */
  readonly create: (openStream: () => TLSSocket) => C;
}

export interface ConnectedClient<C extends MqttClient> {
  readonly client: C;
  readonly socket: TLSSocket;
  readonly connack: IConnackPacket;
}

/** Server name, ALPN and trust as AWS wants them: SNI always, ALPN `x-amzn-mqtt-ca` on port 443 (AWS IoT developer guide, "Device communication protocols"). */
const openSocket = (endpoint: Endpoint): TLSSocket =>
  connectTls({
    host: endpoint.host,
    port: endpoint.port,
    ...(endpoint.ca === undefined ? {} : { ca: [...endpoint.ca] }),
    cert: endpoint.certificate,
    key: endpoint.privateKey,
    minVersion: 'TLSv1.2',
    ...(isIP(endpoint.host) === 0 ? { servername: endpoint.host } : {}),
    ...(endpoint.port === 443 ? { ALPNProtocols: ['x-amzn-mqtt-ca'] } : {}),
  });

/** Runs DNS, TCP, TLS and MQTT CONNECT. @throws BridgeError dns_failed, endpoint_unreachable, tls_failed, certificate_refused, connect_refused, connect_timeout */
export const connectClient = async <C extends MqttClient>(options: ConnectOptions<C>, signal: AbortSignal): Promise<ConnectedClient<C>> => {
  const socket = openSocket(options.endpoint);
  socket.setNoDelay(true);
  let failure: Error | undefined;
  let secured = false;
  socket.once('secureConnect', () => (secured = true));
  socket.on('error', (error: Error) => (failure ??= error));
  const client = options.create(() => socket);
  client.on('error', (error) => (failure ??= error));
  const limit = AbortSignal.any([signal, AbortSignal.timeout(options.connectTimeoutMs)]);
  const emitter = client as unknown as EventEmitter;
  client.connect();
  try {
    const closed = once(emitter, 'close', { signal: limit }).then(() => {
      throw failure ?? new Error('the endpoint closed the connection');
    });
    const [connack] = (await Promise.race([once(emitter, 'connect', { signal: limit }), closed])) as [IConnackPacket];
    return { client, socket, connack };
  } catch (error) {
    client.end(true);
    socket.destroy();
    throw connectFailure({ error: limit.aborted ? error : (failure ?? error), secured, timedOut: limit.aborted && !signal.aborted });
  }
};
