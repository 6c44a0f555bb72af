import type { AccessKey } from '../../access-key.js';
import type { Gate } from '../admit-call.js';
import { ApiError, invalidRequest } from '../api-error.js';
import type { XmlMembers } from './xml.js';

export interface AssumeRoleContext {
  readonly gate: Gate;
  readonly key: AccessKey;
  readonly externalId: string | undefined;
}

const rolePattern = /^arn:aws[a-z-]*:iam::\d{12}:role\/(?:[\w+=,.@/-]+\/)?([\w+=,.@-]{1,64})$/;
const sessionPattern = /^[\w+=,.@-]{2,64}$/;
const [leastSeconds, mostSeconds, defaultSeconds] = [900, 43_200, 3600] as const;

const lifetimeOf = (text: string | null): number => {
  const seconds = Number(text ?? defaultSeconds);
  if (Number.isInteger(seconds) && seconds >= leastSeconds && seconds <= mostSeconds) return seconds;
  throw invalidRequest(`1 validation error detected: Value '${text ?? ''}' at 'durationSeconds' failed to satisfy constraint: Member must be from ${leastSeconds} to ${mostSeconds}`);
};

const denied = (key: AccessKey, roleArn: string): ApiError =>
  new ApiError('AccessDeniedException', `User: ${key.arn} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`);

/** A role trusts the caller that knows the external id, unless the caller's own policy denies it. Any role of any account is there. */
const checkTrust = ({ gate, key, externalId }: AssumeRoleContext, form: URLSearchParams, roleArn: string): void => {
  const resource = roleArn.split(':').slice(5).join(':');
  const isDenied = gate.iam.decide({ action: 'sts:AssumeRole', resource, clientId: '' }) === 'deny';
  if (isDenied || (externalId !== undefined && form.get('ExternalId') !== externalId)) throw denied(key, roleArn);
};

/** Temporary keys for a role. @throws ApiError InvalidRequestException, AccessDeniedException */
export const assumeRole = (context: AssumeRoleContext, form: URLSearchParams): XmlMembers => {
  const [roleArn, sessionName] = [form.get('RoleArn') ?? '', form.get('RoleSessionName') ?? ''];
  const roleName = rolePattern.exec(roleArn)?.[1];
  if (roleName === undefined) throw invalidRequest(`${roleArn} is invalid`);
  if (!sessionPattern.test(sessionName)) throw invalidRequest("1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*");
  const lifetime = lifetimeOf(form.get('DurationSeconds'));
  checkTrust(context, form, roleArn);
  const key = context.gate.keys.issue(roleName, sessionName, lifetime);
  return {
    AssumedRoleUser: { AssumedRoleId: key.userId, Arn: key.arn },
    Credentials: { AccessKeyId: key.accessKeyId, SecretAccessKey: key.secretAccessKey, SessionToken: key.sessionToken, Expiration: key.expiresAt.toISOString() },
  };
};
