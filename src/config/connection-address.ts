import { endpointRegion, parseEndpoint } from './endpoint.js';
import { field, wrong, type FieldSpec, type Loose, type Report } from './field.js';
import { choice, maxText, readText, textLike } from './scalars.js';
import { httpUrl } from './urls.js';

export const protocols = ['SSL', 'WSS'] as const;

const readEndpoint = (value: unknown) => parseEndpoint(readText(value)) ?? wrong('must be host or host:port, without https:// or a path');

const mqttPorts = [8883, 443] as const;

const readMqttPort = (value: unknown): (typeof mqttPorts)[number] =>
  mqttPorts.find((port) => value === port || value === String(port)) ?? wrong('must be 8883 or 443; any other port is written in endpoint');

const prefixForm = /^[a-zA-Z0-9]+([.-]ats)?$/;

const maxPrefix = 128;

/** The endpoint without ATS chains to a root that clients have stopped trusting (AWS IoT Core, "Server authentication"). */
const readPrefix = (value: unknown): string => {
  const prefix = readText(value, maxPrefix);
  if (!prefixForm.test(prefix)) return wrong('must be the first label of the endpoint');
  return /[.-]ats$/.test(prefix) ? prefix : wrong('must end in -ats (in cn-north-1 in .ats): the endpoint without it is the old one, whose certificate is no longer trusted');
};

const prefix = (spec: FieldSpec) => field({ form: 'the first label of the endpoint', json: { type: 'string', pattern: '^[a-zA-Z0-9]+[.-]ats$', maxLength: maxPrefix }, ...spec }, readPrefix);

export const address = {
  endpoint: field({ description: 'Data endpoint of the account, `host` or `host:port`. Wins over accountPrefix.', form: 'host[:port]', json: { type: 'string', pattern: '^[^/\\s]+$', maxLength: maxText }, example: 'localhost:8883' }, readEndpoint).optional(),
  accountPrefix: prefix({ description: 'In place of endpoint: its first label, which ends in `-ats` (in cn-north-1 in `.ats`).', hint: 'a1b2c3d4e5f6g7-ats' }).optional(),
  region: textLike(
    { description: "Region of the account, China included. Needed with accountPrefix, and for `protocol: WSS` and registering devices where the endpoint's name does not tell it.", form: 'a region such as eu-west-1', hint: 'eu-west-1' },
    /^[a-z]{2}(-[a-z]+)+-\d$/,
  ).optional(),
  protocol: choice({ description: '`SSL`: MQTT over TLS with the client certificate. `WSS`: MQTT over WebSocket, signed with the AWS credentials (SigV4).' }, protocols).prefault('SSL'),
  port: field(
    { description: '8883, or 443 with ALPN `x-amzn-mqtt-ca`, where endpoint names no port.', form: '8883, 443', defaultNote: '8883; 443 for WSS', hint: '443', json: { type: ['integer', 'string'], enum: [...mqttPorts, ...mqttPorts.map(String)] } },
    readMqttPort,
  ).optional(),
  registryEndpoint: httpUrl({ description: "Address of AWS IoT's control plane, where devices are registered, where it is not the region's own: a private link or a stand-in.", hint: 'https://iot.eu-west-1.amazonaws.com' }, 'accessKeyId').optional(),
};

const isGiven = (value: unknown): boolean => value !== undefined;

const partOf = (endpoint: unknown, key: 'host' | 'port'): unknown => (typeof endpoint === 'object' && endpoint !== null ? (endpoint as Loose)[key] : undefined);

export const checkEndpoint = ({ endpoint, accountPrefix, region }: Loose, report: Report): void => {
  if (isGiven(endpoint)) return;
  if (!isGiven(accountPrefix)) report(['endpoint'], 'is required, or accountPrefix and region');
  else if (!isGiven(region)) report(['region'], 'is required with accountPrefix');
  else if (typeof accountPrefix === 'string' && accountPrefix.endsWith('.ats') && region !== 'cn-north-1') report(['accountPrefix'], 'must end in -ats; only in cn-north-1 it ends in .ats');
};

export const checkPort = ({ endpoint, port, protocol }: Loose, report: Report): void => {
  const named = partOf(endpoint, 'port');
  if (typeof port === 'number' && typeof named === 'number' && port !== named) report(['port'], `differs from the port ${named} of endpoint`);
  else if (port === 8883 && protocol === 'WSS') report(['port'], 'must be 443 with protocol WSS; any other port is written in endpoint');
};

/** A request that is signed for another region is refused by AWS, and the names of AWS tell their region. */
export const checkRegion = ({ endpoint, region }: Loose, report: Report): void => {
  const host = partOf(endpoint, 'host');
  const named = typeof host === 'string' ? endpointRegion(host) : undefined;
  if (named !== undefined && typeof region === 'string' && region !== named) report(['region'], `differs from the region ${named} of endpoint`);
};
