import type { IssuedCertificate } from '../issue-certificate.js';
import type { SandboxLimits } from '../limits.js';
import type { Registry } from '../registry.js';

export const thingPrincipalTypes = ['EXCLUSIVE_THING', 'NON_EXCLUSIVE_THING'] as const;
export type ThingPrincipalType = (typeof thingPrincipalTypes)[number];

/** What is listed in the order it was made; the number only grows. */
export interface Numbered {
  readonly sequence: number;
}

export interface Resource extends Numbered {
  readonly name: string;
  readonly id: string;
  readonly arn: string;
  readonly createdAt: Date;
}

export interface Thing extends Resource {
  typeName: string | undefined;
  attributes: Readonly<Record<string, string>>;
  billingGroup: string | undefined;
  version: number;
  /** By certificate id. */
  readonly principals: Map<string, ThingPrincipalType>;
  /** Names of thing groups. */
  readonly groups: Set<string>;
}

export interface ThingType extends Resource {
  properties: object;
  deprecatedAt: Date | undefined;
}

export interface ThingGroup extends Resource {
  readonly parent: string | undefined;
  readonly properties: object;
  version: number;
}

export interface BillingGroup extends Resource {
  readonly properties: object;
  version: number;
}

/** What the API works on: the certificates and policies of the broker, and things, which are kept in memory as sessions are. */
export interface Cloud {
  readonly limits: SandboxLimits;
  readonly registry: Registry;
  readonly things: Map<string, Thing>;
  readonly thingTypes: Map<string, ThingType>;
  readonly thingGroups: Map<string, ThingGroup>;
  readonly billingGroups: Map<string, BillingGroup>;
  /** Names of the things that have a certificate for themselves, by certificate id. */
  readonly exclusive: Map<string, string>;
  /** Signs the certificates that the API makes. */
  readonly ca: IssuedCertificate;
  /** `host:port` of the broker. */
  readonly endpoint: string;
}

/** A sandbox with no things yet. */
export const createCloud = (parts: Pick<Cloud, 'limits' | 'registry' | 'ca' | 'endpoint'>): Cloud => ({
  ...parts,
  things: new Map(),
  thingTypes: new Map(),
  thingGroups: new Map(),
  billingGroups: new Map(),
  exclusive: new Map(),
});
