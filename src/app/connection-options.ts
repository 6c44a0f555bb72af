import { join } from 'node:path';
import type { AwsConnectionOptions } from '../aws/aws-connection.js';
import { createCredentials, type CredentialOptions } from '../aws/credentials.js';
import type { CertificateAuth, Endpoint } from '../aws/endpoint.js';
import type { SubscriberOptions } from '../aws/subscriber.js';
import { awsCredentialsOf } from '../config/connection-credentials.js';
import type { ConnectionConfig } from '../config/connection.js';
import { endpointOf, trustedRoots } from '../config/endpoint.js';
import type { BridgeConfig } from '../config/schema.js';
import type { ConnectionDownlinks } from '../downlink/complete-downlink.js';
import { BridgeError } from '../errors.js';
import type { Target } from '../flows/match.js';
import type { PayloadFormat } from '../flows/shape.js';
import type { DownlinkSigning } from '../network-servers/downlink-client.js';
import { topicFilterOf } from '../topics/topic-filter.js';
import { compileTypePatterns } from '../topics/type-patterns.js';

/** What ThingPark X calls metadata is the root key: with `sendMetadata` it is taken off. */
const formatOf = ({ configuration }: ConnectionConfig): PayloadFormat => {
  if (configuration.sendRawDecodedFormat) return 'decoded';
  return configuration.sendMetadata ? 'unwrapped' : configuration.payloadFormat;
};

/** How a connection wants its messages. */
export const targetOf = (connection: ConnectionConfig): Target => {
  const { id, configuration } = connection;
  return {
    connectionId: id,
    format: formatOf(connection),
    patterns: compileTypePatterns(configuration.uplinkTopicPattern, configuration.topicPatterns),
    validityMs: configuration.uplinkTimeValidity ?? 0,
    uplinksOnly: configuration.sendMetadata || configuration.sendRawDecodedFormat,
  };
};

/** An endpoint in plain values, which can be compared. */
export interface EndpointSettings extends Omit<Endpoint, 'auth'> {
  readonly auth: CertificateAuth | { readonly kind: 'sigv4'; readonly region: string; readonly credentials: CredentialOptions };
}

/** @throws BridgeError config_invalid; a configuration that was read has what its protocol needs */
const authOf = ({ configuration }: ConnectionConfig): EndpointSettings['auth'] => {
  const { protocol, certificate, privateKey } = configuration;
  if (protocol === 'WSS') {
    const credentials = awsCredentialsOf(configuration);
    if (credentials === undefined) throw new BridgeError('config_invalid', { detail: 'protocol WSS needs AWS credentials' });
    return { kind: 'sigv4', region: credentials.region, credentials };
  }
  if (certificate === undefined || privateKey === undefined) throw new BridgeError('config_invalid', { detail: 'protocol SSL needs certificate and privateKey' });
  return { kind: 'certificate', certificate, privateKey: privateKey.reveal() };
};

export const endpointSettings = (connection: ConnectionConfig): EndpointSettings => {
  const ca = trustedRoots(connection.configuration);
  return { ...endpointOf(connection.configuration), auth: authOf(connection), ...(ca === undefined ? {} : { ca }) };
};

const endpointWith = ({ auth, ...rest }: EndpointSettings): Endpoint =>
  auth.kind === 'certificate' ? { ...rest, auth } : { ...rest, auth: { ...auth, credentials: createCredentials(auth.credentials) } };

/** Options whose endpoint is in plain values. */
export type Plain<T extends { readonly endpoint: Endpoint }> = Omit<T, 'endpoint'> & { readonly endpoint: EndpointSettings };

/** Turns plain values into what a session is opened with. */
export const connectWith = <T extends { readonly endpoint: EndpointSettings }>({ endpoint, ...rest }: T): Omit<T, 'endpoint'> & { readonly endpoint: Endpoint } => ({ ...rest, endpoint: endpointWith(endpoint) });

const mqttVersion = ({ configuration }: ConnectionConfig): 4 | 5 => (configuration.mqttVersion === '5' ? 5 : 4);

/** Start of a connection's client ids: whoever holds the slot next takes its sessions over. */
export const clientIds = ({ id, configuration }: ConnectionConfig, slot: string): string => `${configuration.clientIdPrefix}-${slot}-${id}`;

const reconnecting = ({ configuration: { reconnect, reconnectStrategy } }: ConnectionConfig) => ({
  reconnect: { minMs: reconnect.min, maxMs: reconnect.max },
  ...(reconnectStrategy === undefined ? {} : { reconnectStrategy }),
});

export const awsSettings = (connection: ConnectionConfig, slot: string): Plain<AwsConnectionOptions> => {
  const { id, configuration } = connection;
  return {
    id,
    endpoint: endpointSettings(connection),
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
    ...reconnecting(connection),
  };
};

/** How long AWS may wait for the store before the session is ended and the downlink comes again, ms. */
const storeTimeoutMs = 10_000;

/** Name of the group in which replicas share a connection's downlinks. */
export const shareNameOf = ({ id, configuration }: ConnectionConfig): string => `${configuration.clientIdPrefix}-${id}`;

export const isShared = ({ configuration }: ConnectionConfig, { redis }: Pick<BridgeConfig, 'redis'>): boolean => configuration.sharedSubscription ?? redis !== undefined;

/** The one session that takes a connection's downlinks; undefined where it takes none. */
export const subscriberSettings = (connection: ConnectionConfig, bridge: Pick<BridgeConfig, 'redis' | 'dataDir'>, slot: string): Plain<SubscriberOptions> | undefined => {
  const { id, active, configuration } = connection;
  if (!active || !configuration.downlinkEnabled) return undefined;
  const shareName = shareNameOf(connection);
  return {
    connectionId: id,
    endpoint: endpointSettings(connection),
    clientId: `${clientIds(connection, slot)}-downlinks`,
    version: mqttVersion(connection),
    filter: topicFilterOf(configuration.downlinkTopicPattern),
    ...(isShared(connection, bridge) ? { shareName } : { formerShareName: shareName }),
    keepAliveMs: configuration.keepAlive,
    connectTimeoutMs: configuration.connectTimeout,
    storeTimeoutMs,
    ...reconnecting(connection),
    stateFile: join(bridge.dataDir, 'subscriptions', `${id}.json`),
  };
};

/** What a connection says about its downlinks. */
export const connectionDownlinks = ({ id, configuration }: ConnectionConfig, { downlinks }: Pick<BridgeConfig, 'downlinks'>): ConnectionDownlinks => ({
  id,
  topicPattern: configuration.downlinkTopicPattern,
  validityMs: configuration.downlinkValidity,
  windowMs: downlinks.dedupWindow,
  maxWaiting: downlinks.maxWaiting,
  ...(configuration.downlinkPort === undefined ? {} : { defaultFPort: configuration.downlinkPort }),
  ...(configuration.downlinkNetworkServer === undefined ? {} : { defaultNetworkServer: configuration.downlinkNetworkServer }),
});

/** ThingPark X's `downlinkAsId` and `downlinkAsKey`: what the downlinks of the connection are signed with. */
export const signingOf = ({ configuration: { downlinkAsId, downlinkAsKey } }: ConnectionConfig): DownlinkSigning | undefined =>
  downlinkAsId === undefined || downlinkAsKey === undefined ? undefined : { asId: downlinkAsId, asKey: downlinkAsKey.reveal() };
