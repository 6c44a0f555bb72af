import { BridgeError, type Reason } from '../../errors.js';
import type { IamPermission } from './registry-operations.js';

/** A call of the registry that failed. */
export class RegistryError extends BridgeError {
  /** AWS's name of the error, or that of Node.js where AWS was not reached. */
  readonly awsError: string;
  /** Only with `registry_forbidden`. */
  readonly missing: IamPermission | undefined;

  constructor(reason: Reason, options: { readonly detail: string; readonly awsError: string; readonly missing?: IamPermission }) {
    super(reason, { detail: options.detail });
    this.awsError = options.awsError;
    this.missing = options.missing;
  }
}

/** As the SDK throws: the name is AWS's code, the status is there when there was an answer. */
interface SdkError {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** A throttle of the registry is a 400, so the name tells. */
const throttles = new Set(['ThrottlingException', 'Throttling', 'TooManyRequestsException', 'RequestLimitExceeded']);
const denials = new Set(['AccessDeniedException', 'AccessDenied', 'UnauthorizedException', 'NotAuthorized', 'UnauthorizedOperation']);
/** What SigV4 checks say of keys and tokens themselves. */
const wrongKeys = new Set([
  'UnrecognizedClientException', 'InvalidSignatureException', 'SignatureDoesNotMatch', 'InvalidClientTokenId', 'IncompleteSignature', 'IncompleteSignatureException',
  'ExpiredToken', 'ExpiredTokenException', 'InvalidToken', 'MissingAuthenticationToken', 'MissingAuthenticationTokenException', 'RequestExpired', 'AuthFailure', 'OptInRequired',
]);
const detailLength = 400;

/** `User: arn:… is not authorized to perform: iot:CreateThing on resource: arn:… because …`, as IAM words it for every service. */
export const permissionIn = (message: string): Partial<IamPermission> => {
  const found = /not authorized to perform:?\s+([a-z0-9-]+:[A-Za-z*]+)(?:\s+on resource:?\s+(\S+))?/.exec(message);
  const resource = found?.[2]?.replace(/[.,;]$/, '');
  return found === null ? {} : { action: found[1] ?? '', ...(resource === undefined ? {} : { resource }) };
};

const forbidden = (error: SdkError, asked: IamPermission): RegistryError => {
  const missing = { ...asked, ...permissionIn(error.message ?? '') };
  const detail = `${missing.action} on ${missing.resource} is not allowed`;
  return new RegistryError('registry_forbidden', { detail, awsError: error.name ?? 'AccessDeniedException', missing });
};

const reasonOf = ({ name = '', $metadata }: SdkError): Reason => {
  const status = $metadata?.httpStatusCode;
  if (throttles.has(name) || status === 429) return 'registry_throttled';
  if (wrongKeys.has(name)) return 'aws_credentials_missing';
  if (denials.has(name) || status === 401 || status === 403) return 'registry_forbidden';
  return status === undefined || status >= 500 || status < 400 ? 'registry_unreachable' : 'registry_refused';
};

/** Why AWS, or the way to it, failed a call. @param asked The permission that the call needs, for where AWS does not name it. */
export const registryErrorOf = (thrown: unknown, asked: IamPermission): BridgeError => {
  if (thrown instanceof BridgeError) return thrown;
  const error = thrown as SdkError;
  const reason = reasonOf(error);
  if (reason === 'registry_forbidden') return forbidden(error, asked);
  const awsError = error.name ?? 'Error';
  const words = [error.code ?? awsError, error.message].filter((text) => text !== undefined && text !== '');
  return new RegistryError(reason, { detail: `${asked.action}: ${words.join(': ')}`.slice(0, detailLength), awsError });
};

/** Whether AWS answered that something is not there. */
export const isNotFound = (error: unknown): boolean => error instanceof RegistryError && error.awsError === 'ResourceNotFoundException';

/** Whether AWS answered that it is there already, and is not the same. */
export const isConflict = (error: unknown): boolean => error instanceof RegistryError && error.awsError === 'ResourceAlreadyExistsException';
