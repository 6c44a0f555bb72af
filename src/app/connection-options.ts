import { join } from 'node:path';
import type { AwsConnectionOptions } from '../aws/aws-connection.js';
import type { Endpoint } from '../aws/connect-client.js';
import type { SubscriberOptions } from '../aws/subscriber.js';
import type { ConnectionConfig } from '../config/connection.js';
import { endpointOf, trustedRoots } from '../config/endpoint.js';
import type { BridgeConfig } from '../config/schema.js';
import type { ConnectionDownlinks } from '../downlink/complete-downlink.js';
import type { Target } from '../flows/match.js';
import { topicFilterOf } from '../topics/topic-filter.js';
import { compileTypePatterns } from '../topics/type-patterns.js';

/** How a connection wants its messages. */
export const targetOf = ({ id, configuration }: ConnectionConfig): Target => ({
  connectionId: id,
  format: configuration.payloadFormat,
  patterns: compileTypePatterns(configuration.uplinkTopicPattern, configuration.topicPatterns),
  validityMs: configuration.uplinkTimeValidity ?? 0,
});

const endpoint = ({ configuration }: ConnectionConfig): Endpoint => {
  const ca = trustedRoots(configuration);
  return { ...endpointOf(configuration), certificate: configuration.certificate, privateKey: configuration.privateKey.reveal(), ...(ca === undefined ? {} : { ca }) };
};

const mqttVersion = ({ configuration }: ConnectionConfig): 4 | 5 => (configuration.mqttVersion === '5' ? 5 : 4);

/** Start of a connection's client ids: whoever holds the slot next takes its sessions over. */
const clientIds = ({ id, configuration }: ConnectionConfig, slot: string): string => `${configuration.clientIdPrefix}-${slot}-${id}`;

export const awsOptions = (connection: ConnectionConfig, slot: string): AwsConnectionOptions => {
  const { id, configuration } = connection;
  return {
    id,
    endpoint: endpoint(connection),
    clientIdPrefix: clientIds(connection, slot),
    version: mqttVersion(connection),
    maxClients: configuration.maxClients,
    publishesPerSecondPerClient: configuration.publishesPerSecondPerClient,
    bytesPerSecondPerClient: configuration.bytesPerSecondPerClient,
    publishesPerSecond: configuration.publishesPerSecond,
    inFlightPerClient: configuration.inFlightPerClient,
    publishTimeoutMs: configuration.publishTimeout,
    connectTimeoutMs: configuration.connectTimeout,
    keepAliveMs: configuration.keepAlive,
    idleTimeoutMs: configuration.idleTimeout,
    reconnect: { minMs: configuration.reconnect.min, maxMs: configuration.reconnect.max },
  };
};

/** How long AWS may wait for the store before the session is ended and the downlink comes again, ms. */
const storeTimeoutMs = 10_000;

/** The one session that takes a connection's downlinks; undefined where it takes none. */
export const subscriberOptions = (connection: ConnectionConfig, config: BridgeConfig, slot: string): SubscriberOptions | undefined => {
  const { id, active, configuration } = connection;
  if (!active || !configuration.downlinkEnabled) return undefined;
  const shared = configuration.sharedSubscription ?? config.redis !== undefined;
  const shareName = `${configuration.clientIdPrefix}-${id}`;
  return {
    connectionId: id,
    endpoint: endpoint(connection),
    clientId: `${clientIds(connection, slot)}-downlinks`,
    version: mqttVersion(connection),
    filter: topicFilterOf(configuration.downlinkTopicPattern),
    ...(shared ? { shareName } : { formerShareName: shareName }),
    keepAliveMs: configuration.keepAlive,
    connectTimeoutMs: configuration.connectTimeout,
    storeTimeoutMs,
    reconnect: { minMs: configuration.reconnect.min, maxMs: configuration.reconnect.max },
    stateFile: join(config.dataDir, 'subscriptions', `${id}.json`),
  };
};

/** What a connection says about its downlinks. */
export const connectionDownlinks = ({ id, configuration }: ConnectionConfig, { downlinks }: BridgeConfig): ConnectionDownlinks => ({
  id,
  topicPattern: configuration.downlinkTopicPattern,
  validityMs: configuration.downlinkValidity,
  windowMs: downlinks.dedupWindow,
  maxWaiting: downlinks.maxWaiting,
  ...(configuration.downlinkPort === undefined ? {} : { defaultFPort: configuration.downlinkPort }),
  ...(configuration.downlinkNetworkServer === undefined ? {} : { defaultNetworkServer: configuration.downlinkNetworkServer }),
});
