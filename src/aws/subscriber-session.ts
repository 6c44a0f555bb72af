import type { IClientOptions } from 'mqtt';
import type { Duplex } from 'node:stream';
import { BridgeError, messageOf } from '../errors.js';
import { connectClient, type ConnectHooks, type MqttVersion } from './connect-client.js';
import type { ConnectGate } from './connect-gate.js';
import type { Endpoint } from './endpoint.js';
import { endsByPeer } from './session-close.js';
import { settleSubscription, unsubscribe, type Subscription } from './settle-subscription.js';
import { mostAtOnce, SubscriberClient, type MessageSink } from './subscriber-client.js';
import { endByPeer, endBySelf, endByStore, type SubscriberEnd } from './subscriber-end.js';

/**
 * What is asked for, seconds: a week. AWS keeps a persistent session for an hour unless the quota was raised, to a week at most; it
 * lowers what is longer and tells it in CONNACK (AWS IoT Core quotas, "Persistent session expiry period"; AWS IoT developer guide,
 * "MQTT"). MQTT 3.1.1 has no such field and gets what the account has.
 */
export const sessionExpiryS = 604_800;

export interface SubscriberSessionOptions {
  readonly endpoint: Endpoint;
  readonly clientId: string;
  readonly version: MqttVersion;
  readonly keepAliveMs: number;
  readonly connectTimeoutMs: number;
  /** Absent: nothing is asked for, and what comes is of a session that was kept. */
  readonly subscription?: Subscription;
  readonly take: MessageSink['take'];
  /** Ends the session politely, when the message that is being taken is done with. */
  readonly stop: AbortSignal;
  /** Ends it at once. */
  readonly cut: AbortSignal;
  readonly gate?: ConnectGate | undefined;
  readonly hooks?: ConnectHooks | undefined;
}

/** A session that takes messages. Used once, like a session that publishes. */
export interface SubscriberSession {
  readonly openedAt: number;
  /** Whether the broker kept it from before. */
  readonly present: boolean;
  /** Seconds that the broker keeps the session when the client is away; undefined where it does not tell (MQTT 3.1.1). */
  readonly keptForS: number | undefined;
  /** Resolves when the connection is closed. */
  readonly ended: Promise<SubscriberEnd>;
  /** Lets messages wait while another session takes the client id over. Resolves when those that are being taken are done with. */
  hold(): Promise<void>;
  /** Nobody took it over. */
  resume(): void;
  /** Resolves when the messages that were being taken when it ended are done with. */
  finished(): Promise<void>;
  /** Milliseconds since it began, or since the last message was taken; 0 while one is. */
  idleMs(): number;
  /** Whether a message came that was not stored, so that the broker still has it. */
  missed(): boolean;
  /** Ends subscriptions. Never settles once the connection closed. */
  unsubscribe(filters: readonly string[]): Promise<void>;
}

const clientOptions = (options: SubscriberSessionOptions): IClientOptions => ({
  clientId: options.clientId,
  protocolId: 'MQTT',
  protocolVersion: options.version,
  clean: false,
  keepalive: Math.max(1, Math.round(options.keepAliveMs / 1_000)),
  connectTimeout: options.connectTimeoutMs,
  reconnectPeriod: 0,
  resubscribe: false,
  queueQoSZero: false,
  manualConnect: true,
  ...(options.version === 5 ? { properties: { sessionExpiryInterval: sessionExpiryS, receiveMaximum: mostAtOnce } } : {}),
});

/** How often a SUBSCRIBE without an answer is looked at, as a share of the time it has. */
const checksPerTimeout = 8;

/** What is known of the end of a connection while it lives. */
class Ending {
  end: SubscriberEnd | undefined;
  disconnectCode: number | undefined;
  /** SUBSCRIBE left and its SUBACK did not come. */
  asked = false;

  /** The first cause stands: what follows is its consequence. */
  because(end: SubscriberEnd): void {
    this.end ??= end;
  }

  final(): SubscriberEnd {
    return (this.end ??= endByPeer(this.disconnectCode, this.asked));
  }
}

interface Wires {
  readonly client: SubscriberClient;
  readonly stream: Duplex;
  readonly ending: Ending;
}

/** Leaves when told to, and tells when and why the connection closed. */
const watch = ({ client, stream, ending }: Wires, { stop, cut }: SubscriberSessionOptions): Promise<SubscriberEnd> => {
  const leave = (): void => void client.leave();
  const destroy = (): void => void stream.destroy();
  stop.addEventListener('abort', leave, { once: true });
  cut.addEventListener('abort', destroy, { once: true });
  client.on('error', (error) => {
    if (!endsByPeer(error)) ending.because(endBySelf('endpoint_unreachable', messageOf(error)));
    destroy();
  });
  const closed = new Promise<void>((resolve) => {
    client.once('close', resolve);
    if (stream.destroyed) resolve();
  });
  if (stop.aborted) leave();
  return closed.then(() => {
    stop.removeEventListener('abort', leave);
    cut.removeEventListener('abort', destroy);
    return ending.final();
  });
};

interface Connected extends Wires {
  readonly ended: Promise<SubscriberEnd>;
  readonly present: boolean;
}

/** Runs until SUBACK is in. @throws BridgeError for a SUBACK that refuses; anything else when the connection closed */
const subscribe = async ({ client, stream, ending, ended, present }: Connected, options: SubscriberSessionOptions): Promise<void> => {
  const { subscription } = options;
  if (subscription === undefined) return;
  const unanswered = setInterval(() => {
    if (client.idleMs < options.connectTimeoutMs) return;
    ending.because(endBySelf('connect_timeout', 'SUBSCRIBE was not answered'));
    stream.destroy();
  }, options.connectTimeoutMs / checksPerTimeout);
  try {
    // MQTT.js never answers what it is asked after the connection closed.
    const closed = ended.then(({ detail }) => Promise.reject(new Error(detail)));
    await Promise.race([settleSubscription({ client, present, asking: () => (ending.asked = true) }, subscription), closed]);
    ending.asked = false;
    // A message before SUBACK may have failed: the session is on its way out and does not count as subscribed.
    if (ending.end !== undefined) await closed;
  } finally {
    clearInterval(unanswered);
  }
};

/**
 * Connects, and subscribes where a subscription is asked for.
 * @throws BridgeError as `connectClient`; subscribe_refused; connect_timeout when SUBSCRIBE is not answered; the reason for which the session ended meanwhile
 */
export const openSubscriberSession = async (options: SubscriberSessionOptions): Promise<SubscriberSession> => {
  const ending = new Ending();
  const create = (openStream: () => Duplex): SubscriberClient => {
    const made: SubscriberClient = new SubscriberClient(openStream, clientOptions(options), {
      take: options.take,
      failed(error) {
        ending.because(endByStore(error));
        void made.leave();
      },
    });
    return made.on('disconnect', ({ reasonCode }) => (ending.disconnectCode = reasonCode ?? 0));
  };
  const { client, stream, connack } = await connectClient({ ...options, create }, options.stop);
  const openedAt = performance.now();
  const wires = { client, stream, ending };
  const ended = watch(wires, options);
  client.begin();
  try {
    await subscribe({ ...wires, ended, present: connack.sessionPresent }, options);
  } catch (error) {
    if (error instanceof BridgeError) {
      ending.because(endBySelf(error.reason, error.message));
      await client.leave();
    } else stream.destroy();
    const { reason, detail } = await ended;
    await client.refuse();
    throw new BridgeError(reason, { detail });
  }
  return {
    openedAt,
    present: connack.sessionPresent,
    keptForS: client.serverProperties?.sessionExpiryInterval,
    ended,
    hold: () => client.hold(),
    resume: () => client.resume(),
    finished: () => client.refuse(),
    idleMs: () => client.idleMs,
    missed: () => client.missed,
    unsubscribe: async (filters) => void (await unsubscribe(client, filters)),
  };
};
