import { once, type EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import type { MqttClient } from 'mqtt';
import type { IConnackPacket } from 'mqtt-packet';
import { timeLimit } from '../lifecycle.js';
import { connectFailure } from './connect-failure.js';
import type { ConnectGate } from './connect-gate.js';
import type { Endpoint } from './endpoint.js';
import { openStream } from './open-stream.js';

export type { Endpoint } from './endpoint.js';

export type MqttVersion = 4 | 5;

/** Who wants to know how far a connect came, and may hold it up. */
export interface ConnectHooks {
  /** TLS (and the WebSocket) stands; CONNECT is sent when this resolves. */
  secured?(): Promise<void> | void;
  /** CONNACK is in: another session of the same client id is over. */
  connected?(): void;
}

export interface ConnectOptions<C extends MqttClient> {
  readonly endpoint: Endpoint;
  /** For DNS, TCP, TLS and CONNACK together, ms. */
  readonly connectTimeoutMs: number;
  /** Makes the client, which must not connect by itself (`manualConnect`), over the stream it is given. */
  readonly create: (openStream: () => Duplex) => C;
  /** For the gate. */
  readonly clientId?: string;
  /** Absent: it begins at once. */
  readonly gate?: ConnectGate | undefined;
  readonly hooks?: ConnectHooks | undefined;
}

export interface ConnectedClient<C extends MqttClient> {
  readonly client: C;
  readonly stream: Duplex;
  readonly connack: IConnackPacket;
}

/** What became of the attempt, for the one who names its failure. */
interface Progress {
  secured: boolean;
  /** The first error of the stream or the client: what follows is its consequence. */
  failure: Error | undefined;
}

const silence = new Error('the endpoint closed the connection');

/** Resolves with the hook, unless the connection ends before. */
const whileOpen = async (stream: Duplex, hook: Promise<void> | void, signal: AbortSignal): Promise<void> => {
  const watching = new AbortController();
  const closed = once(stream, 'close', { signal: AbortSignal.any([signal, watching.signal]) }).then(() => {
    throw silence;
  });
  closed.catch(() => undefined);
  try {
    await Promise.race([hook, closed]);
    if (stream.destroyed) throw silence;
  } finally {
    watching.abort();
  }
};

const connectOver = async <C extends MqttClient>(stream: Duplex, options: ConnectOptions<C>, progress: Progress, limit: AbortSignal): Promise<ConnectedClient<C>> => {
  const client = options.create(() => stream);
  client.on('error', (error) => (progress.failure ??= error));
  const emitter = client as unknown as EventEmitter;
  client.connect();
  try {
    const closed = once(emitter, 'close', { signal: limit }).then(() => {
      throw progress.failure ?? silence;
    });
    const [connack] = (await Promise.race([once(emitter, 'connect', { signal: limit }), closed])) as [IConnackPacket];
    return { client, stream, connack };
  } catch (error) {
    client.end(true);
    throw error;
  }
};

const attempt = async <C extends MqttClient>(options: ConnectOptions<C>, progress: Progress, limit: AbortSignal): Promise<ConnectedClient<C>> => {
  const stream = await openStream(options.endpoint, limit);
  progress.secured = true;
  stream.on('error', (error: Error) => (progress.failure ??= error));
  try {
    await whileOpen(stream, options.hooks?.secured?.(), limit);
    const connected = await connectOver(stream, options, progress, limit);
    options.hooks?.connected?.();
    return connected;
  } catch (error) {
    stream.destroy();
    throw error;
  }
};

/**
 * Runs DNS, TCP, TLS, with AWS credentials the WebSocket, and MQTT CONNECT.
 * @throws ConnectFailure dns_failed, endpoint_unreachable, tls_failed, certificate_refused, connect_refused, connect_timeout, aws_credentials_missing; the abort while it waits at the gate, and what the gate throws
 */
export const connectClient = async <C extends MqttClient>(options: ConnectOptions<C>, signal: AbortSignal): Promise<ConnectedClient<C>> => {
  const { endpoint } = options;
  const leave = await options.gate?.enter(`${endpoint.host}:${endpoint.port}`, signal, options.clientId);
  const progress: Progress = { secured: false, failure: undefined };
  const limit = timeLimit(signal, options.connectTimeoutMs);
  try {
    const connected = await attempt(options, progress, limit.signal);
    leave?.(true);
    return connected;
  } catch (error) {
    leave?.(false);
    throw connectFailure({ error: limit.signal.aborted ? error : (progress.failure ?? error), secured: progress.secured, timedOut: limit.isOver() && !signal.aborted, auth: endpoint.auth.kind });
  } finally {
    limit.end();
  }
};
