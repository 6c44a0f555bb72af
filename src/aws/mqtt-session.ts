import type { Duplex } from 'node:stream';
import { MqttClient, type IClientOptions } from 'mqtt';
import { BridgeError, messageOf, type Reason } from '../errors.js';
import type { OutboxRecord, PublishOutcome } from '../uplink/ports.js';
import { connectClient, type ConnectHooks, type MqttVersion } from './connect-client.js';
import type { ConnectGate } from './connect-gate.js';
import { ControlStream } from './control-stream.js';
import type { Endpoint } from './endpoint.js';
import { createInFlight } from './in-flight.js';
import { createPace, type PaceLimits } from './pacing.js';
import { blameOf, closeReason, endsByPeer } from './session-close.js';

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
  readonly gate?: ConnectGate | undefined;
  readonly hooks?: ConnectHooks | undefined;
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
  /** Publishes nothing more for now: another session is about to take its client id over, so its end is no surprise and nobody's fault. Resolves when its PUBACKs are in. */
  hold(): Promise<void>;
  /** Nobody took it over. */
  resume(): void;
  /** Ends it politely: DISCONNECT, then the socket. */
  end(): Promise<void>;
  /** Ends it at once; what is in flight is lost and goes out again elsewhere. */
  destroy(reason: Reason, detail?: string): void;
}

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

/** Opens one session. @throws as `connectClient` */
export const openSession = async (options: SessionOptions, listener: SessionListener, signal: AbortSignal): Promise<MqttSession> => {
  /** Set once the session stands: no publish waits before. */
  let acknowledged: (packetId: number, reasonCode: number) => void = () => undefined;
  const create = (openStream: () => Duplex): MqttClient => new MqttClient(() => new ControlStream(openStream(), (packetId, reasonCode) => acknowledged(packetId, reasonCode)), clientOptions(options));
  const { client, stream } = await connectClient({ ...options, create }, signal);
  const receiveMaximum = client.serverProperties?.receiveMaximum ?? 65_535;
  const window = Math.min(options.inFlight, receiveMaximum);
  const pace = createPace(options.limits);
  let open = true;
  let wanted = false;
  let held = false;
  /** Why the bridge itself ends it: the first cause stands, what follows is its consequence. */
  let ending: { readonly reason: Reason; readonly detail?: string | undefined } | undefined;
  let disconnect: number | undefined;

  const inFlight = createInFlight({
    version: options.version,
    stream,
    timeoutMs: options.publishTimeoutMs,
    settled: (record, outcome) => listener.settled(record, outcome),
    probe: () => client.sendPing(),
    silent: () => session.destroy('endpoint_unreachable', `nothing was heard for ${options.publishTimeoutMs} ms, nor after a ping`),
  });

  const closed = (): void => {
    if (!open) return;
    open = false;
    const reason = ending?.reason ?? (held ? 'client_id_taken_over' : closeReason(disconnect));
    inFlight.lose({ kind: 'lost', reason, blame: ending === undefined && !held ? blameOf(disconnect) : 'none' });
    if (wanted || held) listener.closed(session);
    else listener.closed(session, { reason, detail: ending?.detail ?? (disconnect === undefined ? 'the connection ended without a DISCONNECT' : `the broker sent DISCONNECT 0x${disconnect.toString(16)}`) });
  };

  acknowledged = (packetId, reasonCode) => {
    inFlight.heard();
    inFlight.acknowledged(packetId, reasonCode);
  };
  client.on('packetreceive', (packet) => {
    inFlight.heard();
    // With a reason text or other properties.
    if (packet.cmd === 'puback') inFlight.acknowledged(packet.messageId ?? 0, packet.reasonCode ?? 0);
    else if (packet.cmd === 'disconnect') disconnect = packet.reasonCode ?? 0;
  });
  client.on('close', closed);
  client.on('error', (error) => {
    if (!endsByPeer(error)) ending ??= { reason: 'endpoint_unreachable', detail: messageOf(error) };
    stream.destroy();
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
    waitMs: (now) => (!open || held || inFlight.size >= window ? Number.POSITIVE_INFINITY : pace.waitMs(now)),
    publish(record) {
      pace.take(performance.now(), record.payload.length + record.topic.length);
      inFlight.send(record);
    },
    hold() {
      held = true;
      return inFlight.drained();
    },
    resume() {
      held = false;
    },
    async end() {
      wanted = true;
      ending ??= { reason: 'session_lost' };
      if (!open) return;
      const late = setTimeout(() => stream.destroy(), politeEndMs);
      await client.endAsync().finally(() => clearTimeout(late));
    },
    destroy(reason, detail) {
      ending ??= { reason, detail };
      client.end(true);
      stream.destroy();
    },
  };
  if (stream.destroyed) throw new BridgeError('connect_refused', { detail: 'the endpoint closed right after CONNACK' });
  return session;
};
