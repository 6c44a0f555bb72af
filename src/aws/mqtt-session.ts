import { once, type EventEmitter } from 'node:events';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { isIP } from 'node:net';
import { MqttClient, type IClientOptions } from 'mqtt';
import { BridgeError, type Reason } from '../errors.js';
import type { OutboxRecord, PublishOutcome } from '../uplink/ports.js';
import { connectFailure } from './connect-failure.js';
import { createInFlight } from './in-flight.js';
import { createPace, type PaceLimits } from './pacing.js';
import { blamesPublish, closeReason, endsByPeer } from './session-close.js';

export type MqttVersion = 4 | 5;

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Certificates that the server's must chain to, PEM; absent: Node's own list. */
  readonly ca?: readonly string[];
  readonly certificate: string;
  readonly privateKey: string;
}

export interface SessionOptions {
  readonly endpoint: Endpoint;
  readonly clientId: string;
  readonly version: MqttVersion;
  readonly keepAliveS: number;
  readonly connectTimeoutMs: number;
  readonly publishTimeoutMs: number;
  /** Greatest number of unacknowledged publishes; the broker's Receive Maximum may lower it. */
  readonly inFlight: number;
  readonly limits: PaceLimits;
}

export interface SessionListener {
  settled(record: OutboxRecord, outcome: PublishOutcome): void;
  /** Called once when the session ended; `cause` is absent when the bridge ended it on purpose. */
  closed(session: MqttSession, cause?: CloseCause): void;
}

export interface CloseCause {
  readonly reason: Reason;
  readonly detail: string;
}

/** One MQTT connection to AWS that publishes. It is used once: after it closed, a fresh one takes its place. */
export interface MqttSession {
  readonly clientId: string;
  readonly openedAt: number;
  readonly open: boolean;
  readonly inFlight: number;
  /** Milliseconds until it may publish; 0 = now; Infinity = when a PUBACK came. */
  waitMs(now: number): number;
  publish(record: OutboxRecord): void;
  /** Ends it politely: DISCONNECT, then the socket. */
  end(): Promise<void>;
  /** Ends it at once; what is in flight is lost and goes out again elsewhere. */
  destroy(reason: Reason): void;
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

const clientOptions = (options: SessionOptions): IClientOptions => ({
  clientId: options.clientId,
  protocolId: 'MQTT',
  protocolVersion: options.version,
  clean: true,
  keepalive: options.keepAliveS,
  connectTimeout: options.connectTimeoutMs,
  reconnectPeriod: 0,
  resubscribe: false,
  queueQoSZero: false,
  manualConnect: true,
  ...(options.version === 5 ? { properties: { sessionExpiryInterval: 0 } } : {}),
});

/** How long a polite end may take before the socket is cut, ms. */
const politeEndMs = 1_000;

interface Connecting {
  readonly client: MqttClient;
  readonly socket: TLSSocket;
}

/** Runs DNS, TCP, TLS and MQTT CONNECT. @throws BridgeError with the reason of the failure */
const connect = async (options: SessionOptions, signal: AbortSignal): Promise<Connecting> => {
  const socket = openSocket(options.endpoint);
  socket.setNoDelay(true);
  let failure: Error | undefined;
  let secured = false;
  socket.once('secureConnect', () => (secured = true));
  socket.on('error', (error: Error) => (failure ??= error));
  const client = new MqttClient(() => socket, clientOptions(options));
  client.on('error', (error) => (failure ??= error));
  const limit = AbortSignal.any([signal, AbortSignal.timeout(options.connectTimeoutMs)]);
  const emitter = client as unknown as EventEmitter;
  client.connect();
  try {
    const closed = once(emitter, 'close', { signal: limit }).then(() => {
      throw failure ?? new Error('the endpoint closed the connection');
    });
    await Promise.race([once(emitter, 'connect', { signal: limit }), closed]);
    return { client, socket };
  } catch (error) {
    client.end(true);
    socket.destroy();
    throw connectFailure({ error: limit.aborted ? error : (failure ?? error), secured, timedOut: limit.aborted && !signal.aborted });
  }
};

/** Opens one session. @throws BridgeError dns_failed, endpoint_unreachable, tls_failed, certificate_refused, connect_refused, connect_timeout */
export const openSession = async (options: SessionOptions, listener: SessionListener, signal: AbortSignal): Promise<MqttSession> => {
  const { client, socket } = await connect(options, signal);
  const receiveMaximum = client.serverProperties?.receiveMaximum ?? 65_535;
  const window = Math.min(options.inFlight, receiveMaximum);
  const pace = createPace(options.limits);
  let open = true;
  let wanted = false;
  let ending: Reason | undefined;
  let disconnect: number | undefined;

  const inFlight = createInFlight({
    version: options.version,
    socket,
    timeoutMs: options.publishTimeoutMs,
    settled: (record, outcome) => listener.settled(record, outcome),
    probe: () => client.sendPing(),
    silent: () => session.destroy('endpoint_unreachable'),
  });

  const closed = (): void => {
    if (!open) return;
    open = false;
    const reason = ending ?? closeReason(disconnect);
    inFlight.lose({ kind: 'lost', reason, blame: ending === undefined && blamesPublish(disconnect) });
    if (wanted) listener.closed(session);
    else listener.closed(session, { reason, detail: disconnect === undefined ? 'the connection ended without a DISCONNECT' : `the broker sent DISCONNECT 0x${disconnect.toString(16)}` });
  };

  client.on('packetreceive', (packet) => {
    inFlight.heard();
    if (packet.cmd === 'puback') inFlight.acknowledged(packet.messageId ?? 0, packet.reasonCode ?? 0);
    else if (packet.cmd === 'disconnect') disconnect = packet.reasonCode ?? 0;
  });
  client.on('close', closed);
  client.on('error', (error) => {
    if (!endsByPeer(error)) ending ??= 'endpoint_unreachable';
    socket.destroy();
  });

  const session: MqttSession = {
    clientId: options.clientId,
    openedAt: performance.now(),
    get open() {
      return open;
    },
    get inFlight() {
      return inFlight.size;
    },
    waitMs: (now) => (inFlight.size >= window ? Number.POSITIVE_INFINITY : pace.waitMs(now)),
    publish(record) {
      pace.take(performance.now(), record.payload.length + record.topic.length);
      inFlight.send(record);
    },
    async end() {
      wanted = true;
      ending ??= 'session_lost';
      if (!open) return;
      const late = setTimeout(() => socket.destroy(), politeEndMs);
      await client.endAsync().finally(() => clearTimeout(late));
    },
    destroy(reason) {
      ending ??= reason;
      client.end(true);
      socket.destroy();
    },
  };
  if (socket.destroyed) throw new BridgeError('connect_refused', { detail: 'the endpoint closed right after CONNACK' });
  return session;
};
