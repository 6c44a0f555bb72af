import { createHash } from 'node:crypto';
import { createCredentials } from '../aws/credentials.js';
import type { CertificateReference } from '../aws/things/certificate-principal.js';
import type { RegistrarOptions } from '../aws/things/registrar-options.js';
import type { RegistryOptions } from '../aws/things/registry-client.js';
import type { ThingSettings } from '../aws/things/thing-pattern.js';
import type { ConfiguredRegistry } from '../config/connection-things.js';

/** What the registry of one account is used for and with, in the words of the room that uses it. */
export interface RegistryParts {
  readonly registry: RegistryOptions;
  readonly things: ThingSettings;
  readonly certificate: CertificateReference;
}

const given = <K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } => (value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: V }));

export const registryParts = (configured: ConfiguredRegistry): RegistryParts => {
  const { region, requestsPerSecond, thingName, thingType, principal, attributes, ownerAttribute, owner, takeOver } = configured;
  return {
    registry: { region, requestsPerSecond, credentials: createCredentials(configured.credentials), ...given('endpoint', configured.endpoint), ...given('ca', configured.ca) },
    things: { name: thingName, attributes, ownerAttribute, owner, takeOver, ...given('deviceType', thingType), ...given('group', configured.group), ...given('billingGroup', configured.billingGroup) },
    certificate: given('certificateId', principal?.arn ?? principal?.certificateId),
  };
};

export const registrarOptions = (connectionId: string, configured: ConfiguredRegistry): RegistrarOptions => ({
  connectionId,
  ...registryParts(configured),
  create: configured.createDevices,
  required: configured.required,
});

/** Short name of everything that makes a remembered thing the wrong one when it changes: account, certificate, type, names, owner. */
export const scopeOf = ({ createDevices: _create, required: _required, requestsPerSecond: _rate, credentials: { region, from, assumeRole }, ...rest }: ConfiguredRegistry): string => {
  const account = [region, assumeRole?.roleArn ?? (from.kind === 'access-key' ? from.accessKeyId : from.kind)];
  return createHash('sha256').update(JSON.stringify([account, rest])).digest('base64url').slice(0, 16);
};
