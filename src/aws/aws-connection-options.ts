import type { Backoff } from '../backoff.js';
import type { MqttVersion } from './connect-client.js';
import type { Endpoint } from './endpoint.js';
import type { ReconnectStrategy } from './outage-backoff.js';

export interface AwsConnectionOptions {
  readonly id: string;
  readonly endpoint: Endpoint;
  /** Client ids are this and `-1`, `-2`, …; the same at every start. */
  readonly clientIdPrefix: string;
  readonly version: MqttVersion;
  readonly maxClients: number;
  readonly publishesPerSecondPerClient: number;
  readonly bytesPerSecondPerClient: number;
  /** Over all sessions; 0 = no limit. */
  readonly publishesPerSecond: number;
  readonly inFlightPerClient: number;
  readonly publishTimeoutMs: number;
  /** For DNS, TCP, TLS and CONNACK together, ms. */
  readonly connectTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly idleTimeoutMs: number;
  /** Pauses between attempts grow from `minMs` to `maxMs`, or to what the strategy says. */
  readonly reconnect: Backoff;
  readonly reconnectStrategy?: ReconnectStrategy;
}
