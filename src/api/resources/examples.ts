import type { JsonObject } from '../ports.js';

/** What stands in the document in place of PEM texts: put your own there. */
export const certificatePlaceholder = '-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n';
export const privateKeyPlaceholder = '-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----\n';

/** Ids that the examples use, here and in addresses. */
export const exampleIds = { connection: 'paris', 'network-server': 'factory', flow: 'factory-to-paris' } as const;

/** A connection as ThingPark X IoT Flow writes it. It is not active, so that an example opens no session. */
export const exampleConnection = (certificate: string, privateKey: string): JsonObject => ({
  id: exampleIds.connection,
  connectorId: 'actility-aws-iot',
  name: 'Paris',
  active: false,
  configuration: {
    description: 'Sensors of the Paris plant',
    uplinkTopicPattern: 'tpx/things/{DevEUI}/uplink',
    downlinkTopicPattern: 'tpx/things/{DevEUI}/downlink',
    deviceType: 'lorawan-device',
    region: 'eu-west-1',
    accountPrefix: 'a1b2c3d4e5f6g7-ats',
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'ExampleSecretAccessKeyOfFortyCharacters0',
    certificate,
    privateKey,
  },
});

/** A merge patch: `null` takes a key away. */
export const exampleConnectionPatch: JsonObject = { name: 'Paris, hall 2', configuration: { uplinkTimeValidity: '5m', description: null } };

export const exampleNetworkServer: JsonObject = { id: exampleIds['network-server'], kind: 'chirpstack', authenticate: { header: { name: 'x-api-key', value: 'the-key-that-chirpstack-sends' } } };

export const exampleNetworkServerPatch: JsonObject = { authenticate: { header: { value: 'another-key' } } };

export const exampleFlow: JsonObject = {
  id: exampleIds.flow,
  name: 'All of the factory to Paris',
  networkServers: [exampleIds['network-server']],
  matchers: [{ types: ['uplink'], fPorts: [1, '10-20'] }],
  connections: [exampleIds.connection],
};

export const exampleFlowPatch: JsonObject = { active: false };
