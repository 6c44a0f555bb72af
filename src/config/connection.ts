import { z } from 'zod';
import { caBundle, certificate, checkCertificateId, checkPair, privateKey } from './credentials.js';
import { parseEndpoint } from './endpoint.js';
import { crossCheck, field, section, wrong, type Loose, type Report } from './field.js';
import { id } from './network-server.js';
import { checkReconnect, pacing } from './pacing.js';
import { boolean, choice, duration, integer, readText, secret, text, textLike } from './scalars.js';
import { checkTopics, downlinkTopicPattern, topicPatterns, uplinkTopicPattern } from './topic-settings.js';

export const connectorIds = ['aws-iot', 'actility-aws-iot'] as const;
export const payloadFormats = ['normalised', 'original', 'decoded'] as const;

const readEndpoint = (value: unknown) => parseEndpoint(readText(value)) ?? wrong('must be host or host:port, without https:// or a path');

const readMqttPort = (value: unknown): 8883 | 443 => {
  const port = Number(value);
  return port === 8883 || port === 443 ? port : wrong('must be 8883 or 443; any other port is written in endpoint');
};

const isGiven = (value: unknown): boolean => value !== undefined;

const checkEndpoint = ({ endpoint, accountPrefix, region, port }: Loose, report: Report): void => {
  if (isGiven(endpoint) && isGiven(accountPrefix)) report(['accountPrefix'], 'must be left out where endpoint is given');
  if (!isGiven(endpoint) && !isGiven(accountPrefix)) report(['endpoint'], 'is required, or accountPrefix and region');
  if (!isGiven(endpoint) && isGiven(accountPrefix) && !isGiven(region)) report(['region'], 'is required with accountPrefix');
  const inEndpoint = typeof endpoint === 'object' && endpoint !== null ? (endpoint as Loose)['port'] : undefined;
  if (typeof port === 'number' && typeof inEndpoint === 'number' && port !== inEndpoint) report(['port'], `differs from the port ${inEndpoint} of endpoint`);
};

const checkAccessKey = ({ accessKeyId, secretAccessKey }: Loose, report: Report): void => {
  if (isGiven(accessKeyId) && !isGiven(secretAccessKey)) report(['secretAccessKey'], 'is required with accessKeyId');
  if (!isGiven(accessKeyId) && isGiven(secretAccessKey)) report(['accessKeyId'], 'is required with secretAccessKey');
};

const address = {
  endpoint: field({ description: 'Data endpoint of the account, `host` or `host:port`.', form: 'host[:port]', example: 'localhost:8883' }, readEndpoint).optional(),
  accountPrefix: textLike({ description: 'In place of endpoint: its first label, with or without `-ats`.', form: 'the first label of the endpoint', hint: 'a1b2c3d4e5f6g7-ats' }, /^[a-z0-9]+([.-]ats)?$/i).optional(),
  region: textLike({ description: 'Region that belongs to accountPrefix, China included.', form: 'a region such as eu-west-1', hint: 'eu-west-1' }, /^[a-z]{2}(-[a-z]+)+-\d$/).optional(),
  port: field({ description: '8883, or 443 with ALPN `x-amzn-mqtt-ca`, where endpoint names no port. 8883 when absent.', form: '8883, 443', hint: '443' }, readMqttPort).optional(),
};

const credentials = {
  certificate: certificate({ description: 'Client certificate, registered and active in the account, with a policy.', example: 'certs/bridge.pem' }),
  privateKey: privateKey({ description: 'Private key of the certificate.', example: 'certs/bridge.key' }),
  caCertificate: caBundle({
    description: "CA certificates that the endpoint's certificate must chain to. When absent: the Amazon root CAs for names under amazonaws.com, Node's own list for others.",
    example: 'certs/ca.pem',
  }).optional(),
  certificateId: textLike(
    { description: 'ARN of the certificate, for registering devices (a later version).', form: 'the ARN of a certificate', hint: 'arn:aws:iot:eu-west-1:123456789012:cert/<64 hex digits>' },
    /^arn:aws[a-z-]*:iot:[a-z0-9-]+:\d{12}:cert\/[0-9a-f]{64}$/,
  ).optional(),
  accessKeyId: text({ description: 'AWS access key, for registering devices (a later version).', hint: '${AWS_ACCESS_KEY_ID}' }).optional(),
  secretAccessKey: secret({ description: 'Secret of the access key.', hint: '${AWS_SECRET_ACCESS_KEY}' }).optional(),
  deviceType: textLike({ description: 'Thing type of new devices (a later version).', form: '1 to 128 letters, digits, colons, dashes and underscores', hint: 'lorawan-device' }, /^[a-zA-Z0-9:_-]{1,128}$/).optional(),
};

const publishing = {
  uplinkTopicPattern,
  downlinkTopicPattern,
  topicPatterns,
  payloadFormat: choice(
    {
      description: "`normalised`: one shape for all network servers. `original`: the network server's body byte for byte. `decoded`: the decoded payload alone.",
      defaultNote: '`normalised`; `original` for actility-aws-iot',
      example: 'normalised',
    },
    payloadFormats,
  ),
  mqttVersion: choice({ description: 'MQTT version; a broker that refuses 5 is asked again with 3.1.1.' }, ['5', '3.1.1']).prefault('5'),
  clientIdPrefix: textLike({ description: 'Start of the MQTT client ids, and of the name of a shared subscription. Bridges on one Redis have the same; others on the account must differ in it.', form: '1 to 64 letters, digits, dashes and underscores' }, /^[A-Za-z0-9_-]{1,64}$/).prefault('lpwan-bridge'),
};

/** The largest rate: ThingPark X IoT Flow's own limit of downlinks, 100 a second (its AWS connector's documentation), is the default. */
const downlinks = {
  downlinkEnabled: boolean({ description: 'Take downlinks from AWS. `false`: nothing is subscribed.' }).prefault(true),
  downlinksPerSecond: integer({ description: 'Most downlinks that are submitted in any second, over all replicas.' }, { min: 1, max: 10_000 }).prefault(100),
  downlinkPort: integer({ description: 'FPort of downlinks that name none; they are rejected when it is absent.', hint: '1' }, { min: 1, max: 223 }).optional(),
  downlinkValidity: duration({ description: 'How long a downlink that names no validity time is tried.' }, { min: '1s', max: '30d' }).prefault('24h'),
  downlinkNetworkServer: id({ description: 'Network server of devices that were never heard; without it their downlinks are rejected.', hint: 'factory' }).optional(),
  sharedSubscription: boolean({ description: 'Subscribe as a member of a group, so that several bridges get each downlink once.', defaultNote: 'true where Redis is configured' }).optional(),
};

const configuration = section('Where the account is, and how messages go there.', { ...address, ...credentials, ...publishing, ...downlinks, ...pacing }).check(
  ...[checkEndpoint, checkPair, checkCertificateId, checkAccessKey, checkTopics, checkReconnect].map(crossCheck),
);

const connection = section('An AWS IoT Core account.', {
  id: id({ description: 'Names the connection in logs, metrics and the outbox.', example: 'main' }),
  connectorId: choice({ description: '`actility-aws-iot` is the same with the defaults of ThingPark X IoT Flow.', example: 'aws-iot' }, connectorIds),
  name: text({ description: 'For people.', example: 'Main account' }).optional(),
  active: boolean({ description: '`false`: messages are accepted and kept, none is published.' }).prefault(true),
  configuration,
});

const isMapping = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The one default that depends on another key. */
const fillConnectorDefaults = (value: unknown): unknown => {
  if (!isMapping(value) || !isMapping(value['configuration'])) return value;
  const payloadFormat = value['connectorId'] === 'actility-aws-iot' ? 'original' : 'normalised';
  return { ...value, configuration: { payloadFormat, ...value['configuration'] } };
};

export const connectionSchema = z.preprocess(fillConnectorDefaults, connection);

export type ConnectionConfig = z.output<typeof connectionSchema>;
