import { placeOf, type AwsPlace } from '../aws/arn.js';
import { leastPolicies, type LeastPolicies, type PolicyOptions, type RegistrationNeeds } from '../aws/policies.js';
import type { ConnectionConfig } from '../config/connection.js';
import { registryOf, type ConfiguredRegistry } from '../config/connection-things.js';
import { endpointOf, regionOf } from '../config/endpoint.js';
import type { BridgeConfig } from '../config/schema.js';
import { topicFilterOf } from '../topics/topic-filter.js';
import { derivePatternForType, otherTypes } from '../topics/type-patterns.js';
import { clientIds, isShared, shareNameOf } from './connection-options.js';

/** Account and region of a connection, as far as its configuration tells them. */
export const awsPlaceOf = ({ configuration }: ConnectionConfig): AwsPlace => {
  const region = regionOf(configuration);
  return placeOf({ host: endpointOf(configuration).host, ...(configuration.certificateId === undefined ? {} : { certificateArn: configuration.certificateId }), ...(region === undefined ? {} : { region }) });
};

const registrationNeeds = ({ createDevices, thingName, thingType, group, billingGroup, takeOver, principal, attributes }: ConfiguredRegistry): RegistrationNeeds => ({
  create: createDevices,
  thingName,
  deviceType: thingType,
  group,
  billingGroup,
  update: takeOver || thingType !== undefined || Object.keys(attributes).length > 0,
  certificate: principal === undefined ? undefined : { id: principal.certificateId, arnKnown: principal.arn !== undefined },
});

const otherPatterns = ({ configuration: { uplinkTopicPattern, topicPatterns } }: ConnectionConfig): string[] =>
  otherTypes.map((type) => topicPatterns?.[type] ?? derivePatternForType(uplinkTopicPattern, type));

const policyOptions = (connection: ConnectionConfig, bridge: Pick<BridgeConfig, 'redis'>): PolicyOptions => {
  const { configuration } = connection;
  const registry = registryOf(configuration);
  return {
    place: awsPlaceOf(connection),
    auth: configuration.protocol === 'WSS' ? 'sigv4' : 'certificate',
    // Every replica has a slot of its own.
    clientIdPrefix: clientIds(connection, '*'),
    uplinkPattern: configuration.uplinkTopicPattern,
    otherPatterns: otherPatterns(connection),
    downlinks: configuration.downlinkEnabled ? { filter: topicFilterOf(configuration.downlinkTopicPattern), shareName: isShared(connection, bridge) ? shareNameOf(connection) : undefined } : undefined,
    registration: registry === undefined ? undefined : registrationNeeds(registry),
  };
};

/** The least policies for exactly this connection. */
export const policiesOf = (connection: ConnectionConfig, bridge: Pick<BridgeConfig, 'redis'>): LeastPolicies => leastPolicies(policyOptions(connection, bridge));
