import { timingSafeEqual } from 'node:crypto';
import type { AccessKey, AccessKeys } from '../access-key.js';
import { queryMembers, signatureOf, splitTarget, type Scope, type Signable } from './canonical-request.js';

/** Why a request is not let in; the names of AWS without `Exception`. */
export type SignatureFault = 'MissingAuthenticationToken' | 'IncompleteSignature' | 'UnrecognizedClient' | 'ExpiredToken' | 'InvalidSignature';

export type SignatureVerdict = { readonly key: AccessKey; readonly service: string } | { readonly fault: SignatureFault; readonly message: string };

interface Claim extends Scope {
  readonly accessKeyId: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly token: string | undefined;
  /** Seconds that the signature counts from its time on. */
  readonly lifetime: number;
}

export interface CheckOptions {
  readonly keys: AccessKeys;
  /** Services a request may be signed for. */
  readonly services: readonly string[];
  /** Epoch ms. */
  readonly now: number;
}

/** AWS allows five minutes between the two clocks. */
const toleranceSeconds = 300;
const credentialPattern = /^([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request$/;
const timePattern = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
const algorithm = 'AWS4-HMAC-SHA256';

const fault = (name: SignatureFault, message: string): SignatureVerdict => ({ fault: name, message });

const missing = fault('MissingAuthenticationToken', 'Missing Authentication Token');
const incomplete = fault('IncompleteSignature', 'The request signature does not conform to AWS standards.');
const unrecognized = fault('UnrecognizedClient', 'The security token included in the request is invalid.');

interface ClaimTexts {
  readonly credential: string | undefined;
  readonly signedHeaders: string | undefined;
  readonly signature: string | undefined;
  readonly time: string | undefined;
  readonly token: string | undefined;
  readonly lifetime: number;
}

const toClaim = ({ credential, signedHeaders, signature, time, token, lifetime }: ClaimTexts): Claim | undefined => {
  const [, accessKeyId, day, region, service] = credentialPattern.exec(credential ?? '') ?? [];
  if (accessKeyId === undefined || region === undefined || service === undefined) return undefined;
  if (signedHeaders === undefined || signature === undefined || time === undefined || !timePattern.test(time) || !time.startsWith(day ?? '')) return undefined;
  return { accessKeyId, region, service, time, signature, token, lifetime, signedHeaders: signedHeaders.split(';') };
};

const textOf = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

const claimOfHeader = (request: Signable, authorization: string): Claim | undefined => {
  const parts = new Map([...authorization.matchAll(/(\w+)=([^,\s]+)/g)].map(([, name = '', value = '']) => [name, value]));
  return toClaim({
    credential: parts.get('Credential'),
    signedHeaders: parts.get('SignedHeaders'),
    signature: parts.get('Signature'),
    time: textOf(request.headers['x-amz-date']),
    token: textOf(request.headers['x-amz-security-token']),
    lifetime: toleranceSeconds,
  });
};

const maxLifetimeSeconds = 604_800;

const claimOfQuery = (members: ReadonlyMap<string, string>): Claim | undefined => {
  const lifetime = Number(members.get('X-Amz-Expires') ?? toleranceSeconds);
  if (!Number.isInteger(lifetime) || lifetime < 1 || lifetime > maxLifetimeSeconds) return undefined;
  return toClaim({
    credential: members.get('X-Amz-Credential'),
    signedHeaders: members.get('X-Amz-SignedHeaders'),
    signature: members.get('X-Amz-Signature'),
    time: members.get('X-Amz-Date'),
    token: members.get('X-Amz-Security-Token'),
    lifetime,
  });
};

const epochSecondsOf = (time: string): number => Date.parse(time.replace(timePattern, '$1-$2-$3T$4:$5:$6Z')) / 1000;

const isEqual = (left: string, right: string): boolean => left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right));

const keyFault = (key: AccessKey | undefined, { token }: Claim, now: number): SignatureVerdict | undefined => {
  if (key === undefined || token !== key.sessionToken) return unrecognized;
  const expired = key.expiresAt !== undefined && key.expiresAt.getTime() <= now;
  return expired ? fault('ExpiredToken', 'The security token included in the request is expired') : undefined;
};

const timeFault = ({ time, lifetime }: Claim, now: number): SignatureVerdict | undefined => {
  const signed = epochSecondsOf(time);
  if (Number.isNaN(signed)) return incomplete;
  if (signed + lifetime < now / 1000) return fault('InvalidSignature', `Signature expired: ${time} is more than ${lifetime} seconds ago.`);
  return signed - toleranceSeconds > now / 1000 ? fault('InvalidSignature', `Signature not yet current: ${time} is in the future.`) : undefined;
};

/** A session token stands beside a presigned query, not under its signature (AWS IoT developer guide, "IAM users, groups, and roles"). */
const uncoveredMembers = new Set(['X-Amz-Signature', 'X-Amz-Security-Token']);

const judge = (request: Signable, claim: Claim, { keys, services, now, uncovered }: CheckOptions & { readonly uncovered: ReadonlySet<string> }): SignatureVerdict => {
  if (!services.includes(claim.service)) return fault('InvalidSignature', `Credential should be scoped to correct service: '${services[0] ?? ''}'.`);
  if (!claim.signedHeaders.includes('host')) return fault('InvalidSignature', "'Host' must be a signed header.");
  const key = keys.find(claim.accessKeyId);
  const wrong = keyFault(key, claim, now) ?? timeFault(claim, now);
  if (wrong !== undefined || key === undefined) return wrong ?? unrecognized;
  const signature = signatureOf({ request, scope: claim, signedHeaders: claim.signedHeaders, secretAccessKey: key.secretAccessKey, uncovered });
  if (isEqual(signature, claim.signature)) return { key, service: claim.service };
  return fault('InvalidSignature', 'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.');
};

/** Checks the `Authorization` header of a request. Any Region may be signed for: the sandbox is in all of them. */
export const checkSignedHeader = (request: Signable, options: CheckOptions): SignatureVerdict => {
  const { authorization } = request.headers;
  if (authorization === undefined) return missing;
  const claim = authorization.startsWith(`${algorithm} `) ? claimOfHeader(request, authorization) : undefined;
  return claim === undefined ? incomplete : judge(request, claim, { ...options, uncovered: new Set() });
};

/** Checks a presigned query, as MQTT over WebSocket has it. */
export const checkSignedQuery = (request: Signable, options: CheckOptions): SignatureVerdict => {
  const members = new Map(queryMembers(splitTarget(request.target).query));
  if (members.get('X-Amz-Signature') === undefined) return missing;
  const claim = members.get('X-Amz-Algorithm') === algorithm ? claimOfQuery(members) : undefined;
  return claim === undefined ? incomplete : judge(request, claim, { ...options, uncovered: uncoveredMembers });
};
