import { randomUUID } from 'node:crypto';
import type { AccessKey } from '../../access-key.js';
import type { ApiOperationName } from '../../api-limits.js';
import { account } from '../../arn.js';
import { splitTarget } from '../../sigv4/canonical-request.js';
import { admitToQuota, authenticate, beginCall, type Gate } from '../admit-call.js';
import { signableOf, type Answer, type Call } from '../answer-call.js';
import { ApiError, type ApiErrorName } from '../api-error.js';
import { assumeRole } from './assume-role.js';
import { xmlOf, type XmlMembers } from './xml.js';

export interface StsOptions {
  /** What a caller of AssumeRole has to know; absent: anything will do. */
  readonly externalId: string | undefined;
}

/** AWS's query protocol names the operation in a form, posted to the root. */
export const isStsCall = ({ method, target, headers }: Call): boolean =>
  method === 'POST' && splitTarget(target).path === '/' && (headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');

/** STS names some errors in its own way. */
const stsNames: Partial<Record<ApiErrorName, string>> = {
  AccessDeniedException: 'AccessDenied',
  ThrottlingException: 'Throttling',
  InvalidRequestException: 'ValidationError',
  MissingAuthenticationTokenException: 'MissingAuthenticationToken',
  IncompleteSignatureException: 'IncompleteSignature',
  InvalidSignatureException: 'SignatureDoesNotMatch',
  UnrecognizedClientException: 'InvalidClientTokenId',
  ExpiredTokenException: 'ExpiredToken',
  UnknownOperationException: 'InvalidAction',
  InternalFailureException: 'InternalFailure',
  ServiceUnavailableException: 'ServiceUnavailable',
};

const answerOf = (status: number, root: string, members: XmlMembers): Answer => ({
  status,
  headers: { 'content-type': 'text/xml', 'x-amzn-requestid': randomUUID() },
  body: xmlOf(root, members),
});

const failureOf = (error: unknown): Answer => {
  if (!(error instanceof ApiError)) throw error;
  const { code, status, message } = error;
  return answerOf(status, 'ErrorResponse', {
    Error: { Type: status < 500 ? 'Sender' : 'Receiver', Code: stsNames[code] ?? code, Message: message },
    RequestId: randomUUID(),
  });
};

const getCallerIdentity = (key: AccessKey): XmlMembers => ({ Arn: key.arn, UserId: key.userId, Account: account });

type StsOperation = (key: AccessKey, form: URLSearchParams) => XmlMembers;

const operationOf = (name: string, gate: Gate, { externalId }: StsOptions): { readonly name: ApiOperationName; readonly perform: StsOperation } => {
  if (name === 'AssumeRole') return { name, perform: (key, form) => assumeRole({ gate, key, externalId }, form) };
  if (name === 'GetCallerIdentity') return { name, perform: getCallerIdentity };
  throw new ApiError('UnknownOperationException', `Could not find operation ${name} for version 2011-06-15`);
};

/** Serves one call of STS: a form in, XML out. */
export const answerSts = async (gate: Gate, options: StsOptions, call: Call): Promise<Answer> => {
  try {
    const form = new URLSearchParams(call.body.toString());
    const { name, perform } = operationOf(form.get('Action') ?? '', gate, options);
    await beginCall(gate, name);
    const key = authenticate(gate, signableOf(call), 'sts');
    admitToQuota(gate, name);
    return answerOf(200, `${name}Response`, { [`${name}Result`]: perform(key, form), ResponseMetadata: { RequestId: randomUUID() } });
  } catch (error) {
    return failureOf(error);
  }
};
