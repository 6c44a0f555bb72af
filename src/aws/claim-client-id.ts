import { MqttClient, type IClientOptions } from 'mqtt';
import { BridgeError } from '../errors.js';
import { connectClient, type MqttVersion } from './connect-client.js';
import { refusesVersion } from './connect-failure.js';
import type { ConnectGate } from './connect-gate.js';
import type { Endpoint } from './endpoint.js';

export interface ClaimOptions {
  readonly endpoint: Endpoint;
  readonly clientId: string;
  /** MQTT 3.1.1 is tried where the broker refuses 5. */
  readonly version: MqttVersion;
  readonly gate?: ConnectGate | undefined;
  /** For DNS, TCP, TLS and CONNACK together, ms. */
  readonly timeoutMs: number;
}

/** Nothing is waited for, so no PINGREQ is ever due. */
const keepAliveS = 60;
/** How long a polite end may take before the socket is cut, ms. */
const politeEndMs = 1_000;

const clientOptions = ({ clientId, version, timeoutMs }: ClaimOptions): IClientOptions => ({
  clientId,
  protocolId: 'MQTT',
  protocolVersion: version,
  clean: true,
  keepalive: keepAliveS,
  connectTimeout: timeoutMs,
  reconnectPeriod: 0,
  resubscribe: false,
  queueQoSZero: false,
  manualConnect: true,
  ...(version === 5 ? { properties: { sessionExpiryInterval: 0 } } : {}),
});

/**
 * Connects under a client id with a clean session and leaves. The broker disconnects whoever holds the id (MQTT 5.0, 3.1.4; MQTT 3.1.1, 3.1.4), and ends the
 * session that was kept under it with all that waits in it (MQTT 5.0, 3.1.2.4).
 * @throws as `connectClient`
 */
export const claimClientId = async (options: ClaimOptions, signal: AbortSignal): Promise<void> => {
  const { endpoint, clientId, gate, timeoutMs, version } = options;
  try {
    const { client, stream } = await connectClient({ endpoint, clientId, gate, connectTimeoutMs: timeoutMs, create: (openStream) => new MqttClient(openStream, clientOptions(options)) }, signal);
    client.on('error', () => stream.destroy());
    const late = setTimeout(() => stream.destroy(), politeEndMs);
    await client.endAsync().finally(() => clearTimeout(late));
  } catch (error) {
    if (version !== 5 || !(error instanceof BridgeError) || !refusesVersion(error.cause)) throw error;
    await claimClientId({ ...options, version: 4 }, signal);
  }
};
