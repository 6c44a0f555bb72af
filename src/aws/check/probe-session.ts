import { randomBytes } from 'node:crypto';
import { MqttClient } from 'mqtt';
import { connectClient, type MqttVersion } from '../connect-client.js';
import type { Endpoint } from '../endpoint.js';

export interface ProbeOptions {
  readonly endpoint: Endpoint;
  readonly clientIdPrefix: string;
  readonly version: MqttVersion;
  /** For the connect, and again for each answer, ms. */
  readonly timeoutMs: number;
}

/** How the broker took a packet. `code`: its reason code; `closed`: it hung up, under MQTT 5 with the code of its DISCONNECT. */
export type Answer = { readonly kind: 'granted' } | { readonly kind: 'refused'; readonly code: number } | { readonly kind: 'closed'; readonly code?: number } | { readonly kind: 'unanswered' };

/** An MQTT session that carries no traffic of the bridge. */
export interface ProbeSession {
  readonly open: boolean;
  subscribe(filter: string): Promise<Answer>;
  publish(topic: string, payload: string): Promise<Answer>;
  /** Whether this comes on the topic in time. */
  received(topic: string, payload: string): Promise<boolean>;
  end(): void;
}

/** A client id that the policy of the bridge allows: it begins like the bridge's own. */
export const probeClientId = (prefix: string): string => `${prefix}-probe-${randomBytes(3).toString('hex')}`;

/** How long a message may take through the broker and back at most, ms. */
const receiveMs = 3_000;
const success = 0x80;
const keepAliveS = 60;

const numberIn = (value: unknown, key: string): number | undefined => {
  if (typeof value !== 'object' || value === null || !(key in value)) return undefined;
  const found = (value as Record<string, unknown>)[key];
  return typeof found === 'number' ? found : undefined;
};

/** The code of a SUBACK that MQTT.js made an error of; 3.1.1 has only 0x80. */
const subackCode = (error: unknown): number | undefined => {
  const packet = typeof error === 'object' && error !== null && 'packet' in error ? (error.packet as { granted?: unknown[] } | undefined) : undefined;
  const code = packet?.granted?.[0];
  return typeof code === 'number' ? code : undefined;
};

/** @throws ConnectFailure */
export const openProbeSession = async ({ endpoint, clientIdPrefix, version, timeoutMs }: ProbeOptions, signal: AbortSignal): Promise<ProbeSession> => {
  const create = (openStream: ConstructorParameters<typeof MqttClient>[0]): MqttClient =>
    new MqttClient(openStream, { clientId: probeClientId(clientIdPrefix), protocolId: 'MQTT', protocolVersion: version, clean: true, keepalive: keepAliveS, connectTimeout: timeoutMs, reconnectPeriod: 0, resubscribe: false, queueQoSZero: false, manualConnect: true });
  const { client, stream } = await connectClient({ endpoint, connectTimeoutMs: timeoutMs, create }, signal);
  const messages: string[] = [];
  let disconnectCode: number | undefined;
  let open = true;
  let arrived: () => void = () => undefined;
  client.on('disconnect', ({ reasonCode }) => (disconnectCode = reasonCode));
  client.on('error', () => stream.destroy());
  client.on('message', (topic, payload) => {
    messages.push(`${topic}\n${payload.toString()}`);
    arrived();
  });
  const closed = new Promise<Answer>((resolve) => {
    client.once('close', () => {
      open = false;
      resolve({ kind: 'closed', ...(disconnectCode === undefined ? {} : { code: disconnectCode }) });
    });
  });

  /** The first of: the answer, the end of the connection, the end of the time. */
  const answered = async (work: Promise<Answer>, ms = timeoutMs): Promise<Answer> => {
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<Answer>((resolve) => (timer = setTimeout(resolve, ms, { kind: 'unanswered' })));
    try {
      return await Promise.race([work, closed, over]);
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    get open() {
      return open;
    },
    subscribe: (filter) =>
      answered(
        client.subscribeAsync(filter, { qos: 1, rh: 2 }).then(
          ([grant]): Answer => ((grant?.qos ?? success) < success ? { kind: 'granted' } : { kind: 'refused', code: grant?.qos ?? success }),
          (error: unknown) => {
            const code = subackCode(error);
            return code === undefined ? closed : { kind: 'refused', code };
          },
        ),
      ),
    publish: (topic, payload) =>
      answered(
        client.publishAsync(topic, payload, { qos: 1 }).then(
          (): Answer => ({ kind: 'granted' }),
          (error: unknown) => {
            const code = numberIn(error, 'code');
            return code === undefined ? closed : { kind: 'refused', code };
          },
        ),
      ),
    async received(topic, payload) {
      const wanted = `${topic}\n${payload}`;
      const come = new Promise<Answer>((resolve) => {
        arrived = () => messages.includes(wanted) && resolve({ kind: 'granted' });
        arrived();
      });
      return (await answered(come, Math.min(timeoutMs, receiveMs))).kind === 'granted';
    },
    end: () => void client.end(),
  };
};
