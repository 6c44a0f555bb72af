import { caBundle, clientCertificate, privateKey } from './credentials.js';
import { orItsFile, section, type Loose, type Report } from './field.js';
import { choice, secret, text, textLike } from './scalars.js';
import { httpUrl } from './urls.js';
import { regionOf, type RegionSettings } from './endpoint.js';
import type { Secret } from './secret.js';

/** Lengths and characters: AWS STS API reference, AssumeRole. */
const assumeRole = section('A role that is assumed with the AWS credentials (STS AssumeRole), such as one in the account of a customer.', {
  roleArn: textLike({ description: 'ARN of the role.', form: 'the ARN of a role', hint: 'arn:aws:iam::123456789012:role/lpwan-bridge' }, /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,576}$/),
  externalId: textLike({ description: 'External id that the role asks for.', form: '2 to 1024 letters, digits and characters of +=,.@:/-_', hint: 'customer-4711' }, /^[\w+=,.@:/-]{2,1024}$/).optional(),
  sessionName: textLike({ description: 'Name of the session, as CloudTrail shows it.', form: '2 to 64 letters, digits and characters of +=,.@-_' }, /^[\w+=,.@-]{2,64}$/).prefault('lpwan-bridge'),
  endpoint: httpUrl({ description: "Address of STS, where it is not the region's own: a private link or a stand-in.", hint: 'https://sts.eu-west-1.amazonaws.com' }, 'accessKeyId').optional(),
});

const certificateArn = /^arn:aws[a-z-]*:iot:[a-z0-9-]+:\d{12}:cert\/[0-9a-f]{64}$/;

export const credentials = {
  certificate: clientCertificate({ description: 'Client certificate, registered and active in the account, with a policy. Required with `protocol: SSL`.', defaultNote: 'required; optional for WSS', example: 'certs/bridge.pem' }).optional(),
  privateKey: privateKey({ description: 'Private key of the certificate.', defaultNote: 'required; optional for WSS', example: 'certs/bridge.key' }).optional(),
  caCertificate: caBundle({
    description: "CA certificates that the endpoint's certificate must chain to. When absent: the Amazon root CAs for names under amazonaws.com, Node's own list for others.",
    example: 'certs/ca.pem',
  }).optional(),
  certificateId: textLike(
    { description: 'ARN of the certificate, which registered things are attached to. When absent it is made of the ARN that AWS gives for the thing.', form: 'the ARN of a certificate', hint: 'arn:aws:iot:eu-west-1:123456789012:cert/<64 hex digits>' },
    certificateArn,
  ).optional(),
  accessKeyId: text({ description: 'AWS access key, for registering devices and for `protocol: WSS`.', hint: '${AWS_ACCESS_KEY_ID}' }, 128).optional(),
  secretAccessKey: secret({ description: 'Secret of the access key.', hint: '${AWS_SECRET_ACCESS_KEY}' }).optional(),
  credentials: choice(
    {
      description: 'Where the AWS credentials come from. `access-key`: the two keys above. `provider-chain`: environment, shared files, web identity, role of the task or of the instance, as for every AWS SDK. Without credentials no devices are registered.',
      defaultNote: '`access-key` where the keys are given',
      hint: 'access-key',
    },
    ['access-key', 'provider-chain'],
  ).optional(),
  assumeRole: assumeRole.optional(),
};

const isGiven = (value: unknown): boolean => value !== undefined;

/** Whether the keys, or the word for going without them, are there; wrong values count as given. */
const hasCredentials = ({ accessKeyId, secretAccessKey, credentials: from }: Loose): boolean => from === 'provider-chain' || (isGiven(accessKeyId) && isGiven(secretAccessKey));

export const checkAccessKey = (value: Loose, report: Report): void => {
  const { accessKeyId, secretAccessKey, credentials: from } = value;
  if (from === 'provider-chain') {
    for (const key of ['accessKeyId', 'secretAccessKey']) if (isGiven(value[key])) report([key], 'must be left out with credentials: provider-chain');
    return;
  }
  const behind = from === 'access-key' ? ' with credentials: access-key' : undefined;
  if (!isGiven(accessKeyId) && (isGiven(secretAccessKey) || behind !== undefined)) report(['accessKeyId'], `is required${behind ?? ' with secretAccessKey'}`);
  if (!isGiven(secretAccessKey) && (isGiven(accessKeyId) || behind !== undefined)) report(['secretAccessKey'], `is required${behind ?? ' with accessKeyId'}`);
};

/** What needs AWS credentials and a region to sign for, and has none. */
export const checkSigning = (value: Loose, report: Report): void => {
  const { protocol, registration, assumeRole: role, accessKeyId, secretAccessKey } = value;
  const started = hasCredentials(value) || isGiven(accessKeyId) || isGiven(secretAccessKey);
  const needs = 'AWS credentials: accessKeyId and secretAccessKey, or credentials: provider-chain';
  if (!started && protocol === 'WSS') report(['protocol'], `needs ${needs}`);
  if (!started && registration === 'required') report(['registration'], `needs ${needs}`);
  if (!started && isGiven(role)) report(['assumeRole'], `needs ${needs}`);
  if (hasCredentials(value) && !isGiven(value['accountPrefix']) && !hasRegion(value)) report(['region'], 'is required to sign requests to AWS: the name of the endpoint does not tell it');
};

const hasRegion = ({ region, endpoint, registryEndpoint }: Loose): boolean => {
  if (isGiven(region)) return true;
  const named = typeof endpoint === 'object' && endpoint !== null && 'host' in endpoint ? { endpoint: endpoint as { host: string } } : {};
  return regionOf({ ...named, ...(typeof registryEndpoint === 'string' ? { registryEndpoint } : {}) }) !== undefined;
};

/** With SSL the certificate is the login; with WSS it only names what things are attached to. */
export const checkLogin = ({ protocol, certificate, privateKey: key }: Loose, report: Report): void => {
  if (protocol !== 'SSL') return;
  if (!isGiven(certificate)) report(['certificate'], `is required${orItsFile}`);
  if (!isGiven(key)) report(['privateKey'], `is required${orItsFile}`);
};

export interface CredentialSettings extends RegionSettings {
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: Secret | undefined;
  readonly credentials?: 'access-key' | 'provider-chain' | undefined;
  readonly assumeRole?: { readonly roleArn: string; readonly externalId?: string | undefined; readonly sessionName: string; readonly endpoint?: string | undefined } | undefined;
}

/** What signs a connection's requests to AWS, secrets in clear text for the room that signs. */
export interface ConfiguredCredentials {
  readonly region: string;
  readonly from: { readonly kind: 'access-key'; readonly accessKeyId: string; readonly secretAccessKey: string } | { readonly kind: 'provider-chain' };
  readonly assumeRole?: { readonly roleArn: string; readonly externalId?: string; readonly sessionName: string; readonly endpoint?: string };
}

const sourceOf = ({ accessKeyId, secretAccessKey, credentials: from }: CredentialSettings): ConfiguredCredentials['from'] | undefined => {
  if (from === 'provider-chain') return { kind: 'provider-chain' };
  return accessKeyId === undefined || secretAccessKey === undefined ? undefined : { kind: 'access-key', accessKeyId, secretAccessKey: secretAccessKey.reveal() };
};

const roleOf = ({ assumeRole: role }: CredentialSettings): Pick<ConfiguredCredentials, 'assumeRole'> => {
  if (role === undefined) return {};
  const { roleArn, externalId, sessionName, endpoint } = role;
  return { assumeRole: { roleArn, sessionName, ...(externalId === undefined ? {} : { externalId }), ...(endpoint === undefined ? {} : { endpoint }) } };
};

/** The AWS credentials of a connection; undefined: it has none. A configuration that was checked has a region where it has credentials. */
export const awsCredentialsOf = (configuration: CredentialSettings): ConfiguredCredentials | undefined => {
  const [from, region] = [sourceOf(configuration), regionOf(configuration)];
  return from === undefined || region === undefined ? undefined : { region, from, ...roleOf(configuration) };
};
