import { certificateFingerprint, readCertificate } from './certificates.js';
import { awsCredentialsOf, type ConfiguredCredentials, type CredentialSettings } from './connection-credentials.js';
import { section, type Loose, type Report } from './field.js';
import { boolean, choice, integer, textLike } from './scalars.js';
import { attributeName, attributeNameForm, attributeValue, awsName, awsNameForm, thingAttributes, thingName } from './thing-patterns.js';
import { given } from '../given.js';

const registrations = ['beside', 'required'] as const;

const things = section('What the things of devices look like.', {
  name: thingName({ description: "Pattern of the thing's name, with the keywords of topic patterns." }).prefault('{DevEUI}'),
  attributes: thingAttributes({ description: 'Attributes of a new thing, each with a pattern. Those without a value are left out. AWS takes 3 for things without a type, 50 with one, the one of ownership included.', hint: "{ application: '{application}' }" }).prefault({}),
  group: textLike({ description: 'Thing group that new things are put into; it must exist.', form: awsNameForm, hint: 'lorawan' }, awsName).optional(),
  billingGroup: textLike({ description: 'Billing group of new things; it must exist.', form: awsNameForm, hint: 'metering' }, awsName).optional(),
  ownerAttribute: textLike({ description: 'Attribute by which the bridge knows its own things.', form: attributeNameForm }, attributeName).prefault('managedBy'),
  owner: textLike({ description: 'Its value. A thing of the same name without it belongs to another system and is left alone.', form: '1 to 800 letters, digits and characters of _.,@/:#=[]-' }, attributeValue).prefault('lpwan-bridge'),
  takeOver: boolean({ description: '`true`: things of other systems are marked as its own and used.' }).prefault(false),
  requestsPerSecond: integer({ description: 'Most calls of the registry in a second (AWS allows 10 to 100 an account, by call and region).' }, { min: 1, max: 100 }).prefault(20),
}).prefault({});

export const registration = {
  createDevices: boolean({ description: 'Make a thing for each new device. `false`: uplinks of devices without a thing are skipped, as in ThingPark X.' }).prefault(true),
  registration: choice({ description: '`beside`: uplinks do not wait for the thing. `required`: uplinks of a new device wait until its thing is there.' }, registrations).prefault('beside'),
  deviceType: textLike({ description: 'Thing type of new things; made when it is missing and the credentials may.', form: awsNameForm, hint: 'lorawan-device' }, awsName).optional(),
  things,
};

/** AWS IoT quotas: 3 attributes for a thing without a type, 50 for one with. */
const attributeLimits = { withType: 50, without: 3 };

/** What holds between the attributes, the one of ownership and the type. */
export const checkThings = ({ things: value, deviceType }: Loose, report: Report): void => {
  const { attributes, ownerAttribute } = (typeof value === 'object' && value !== null ? value : {}) as Loose;
  if (typeof attributes !== 'object' || attributes === null || typeof ownerAttribute !== 'string') return;
  if (Object.hasOwn(attributes, ownerAttribute)) report(['things', 'attributes'], 'must not name the attribute of ownership');
  const limit = deviceType === undefined ? attributeLimits.without : attributeLimits.withType;
  if (Object.keys(attributes).length >= limit) report(['things', 'attributes'], `must have at most ${limit - 1} entries${deviceType === undefined ? ' without deviceType' : ''}: AWS takes ${limit}, and one is for ownership`);
};

export interface RegistrySettings extends CredentialSettings {
  readonly certificate?: string | undefined;
  readonly certificateId?: string | undefined;
  readonly deviceType?: string | undefined;
  readonly createDevices: boolean;
  readonly registration: 'beside' | 'required';
  readonly things: {
    readonly name: string;
    readonly attributes: Readonly<Record<string, string>>;
    readonly group?: string | undefined;
    readonly billingGroup?: string | undefined;
    readonly ownerAttribute: string;
    readonly owner: string;
    readonly takeOver: boolean;
    readonly requestsPerSecond: number;
  };
}

/** The certificate that things are attached to: AWS's id of it (64 hex digits), and its ARN where the configuration has it. */
export interface Principal {
  readonly certificateId: string;
  readonly arn?: string;
}

/** How a connection's devices are registered. */
export interface ConfiguredRegistry {
  readonly region: string;
  readonly credentials: ConfiguredCredentials;
  /** URL of the control plane; absent: the region's own. */
  readonly endpoint?: string;
  /** PEM of what the control plane's certificate must chain to; absent: Node's own list. Only with `endpoint`. */
  readonly ca?: string;
  readonly createDevices: boolean;
  readonly required: boolean;
  /** Pattern with the syntax of topic patterns. */
  readonly thingName: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly thingType?: string;
  readonly group?: string;
  readonly billingGroup?: string;
  readonly ownerAttribute: string;
  readonly owner: string;
  readonly takeOver: boolean;
  readonly requestsPerSecond: number;
  /** Absent: the connection has no certificate (WSS). */
  readonly principal?: Principal;
}

const principalOf = ({ certificate, certificateId }: RegistrySettings): Principal | undefined => {
  const fromArn = certificateId?.split('/').at(-1);
  const id = certificate === undefined ? fromArn : certificateFingerprint(readCertificate(certificate));
  return id === undefined ? undefined : { certificateId: id, ...(certificateId === undefined ? {} : { arn: certificateId }) };
};

/** How a connection's devices are registered; undefined: they are not, because it has no AWS credentials. */
export const registryOf = (configuration: RegistrySettings): ConfiguredRegistry | undefined => {
  const credentials = awsCredentialsOf(configuration);
  if (credentials === undefined) return undefined;
  const { registryEndpoint: endpoint, caCertificate, createDevices, registration: kind, deviceType: thingType } = configuration;
  const { name, attributes, group, billingGroup, ...rest } = configuration.things;
  return {
    region: credentials.region,
    credentials,
    createDevices,
    required: kind === 'required',
    thingName: name,
    attributes,
    ...rest,
    ...given({ endpoint, ca: endpoint === undefined ? undefined : caCertificate, thingType, group, billingGroup, principal: principalOf(configuration) }),
  };
};
