import { setTimeout as sleep } from 'node:timers/promises';
import type { AccessKey, AccessKeys } from '../access-key.js';
import type { ApiOperationName } from '../api-limits.js';
import { iotArn } from '../arn.js';
import type { Books } from '../books.js';
import type { Iam } from '../iam.js';
import type { SandboxLimits } from '../limits.js';
import type { AnyAction } from '../policy.js';
import { checkSignedHeader } from '../sigv4/check-signature.js';
import type { Signable } from '../sigv4/canonical-request.js';
import { createSlidingWindow, type SlidingWindow } from '../sliding-window.js';
import { ApiError } from './api-error.js';
import type { ApiRule, ApiRules } from './api-misbehaviour.js';

/** What decides whether a call is served. */
export interface Gate {
  readonly keys: AccessKeys;
  readonly iam: Iam;
  readonly rules: ApiRules;
  readonly books: Books;
  readonly quotas: Quotas;
}

/** Calls a second, one window for each operation. */
export type Quotas = (operation: ApiOperationName) => SlidingWindow;

export const createQuotas = (limits: SandboxLimits): Quotas => {
  const windows = new Map<ApiOperationName, SlidingWindow>();
  return (operation) => {
    const window = windows.get(operation) ?? createSlidingWindow(limits[operation]);
    windows.set(operation, window);
    return window;
  };
};

/** Never ends: the call is left without an answer. */
const never = new Promise<never>(() => undefined);

const misbehave = async (rule: ApiRule): Promise<void> => {
  switch (rule.action) {
    case 'throttle':
      throw new ApiError('ThrottlingException', 'Rate exceeded');
    case 'fail':
      throw rule.status === 500 ? new ApiError('InternalFailureException', 'An unexpected error has occurred.') : new ApiError('ServiceUnavailableException', 'The service is temporarily unavailable.');
    case 'delay':
      await sleep(rule.delayMs, undefined, { ref: false });
      return;
    case 'hang':
      return never;
  }
};

/** Counts a call, and lets the rules of misbehaviour strike. @throws ApiError */
export const beginCall = async ({ books, rules }: Gate, operation: ApiOperationName): Promise<void> => {
  books.called(operation);
  const rule = rules.onCall(operation);
  if (rule?.action === 'throttle') books.throttled(operation);
  if (rule !== undefined) await misbehave(rule);
};

/** Who calls. @throws ApiError for a key that is unknown and a signature that does not hold */
export const authenticate = ({ keys }: Gate, request: Signable, service: 'iot' | 'sts'): AccessKey => {
  const verdict = checkSignedHeader(request, { keys, services: [service], now: Date.now() });
  if ('fault' in verdict) throw new ApiError(`${verdict.fault}Exception`, verdict.message);
  return verdict.key;
};

/** @throws ApiError ThrottlingException */
export const admitToQuota = ({ quotas, books }: Gate, operation: ApiOperationName): void => {
  if (quotas(operation).admit(performance.now())) return;
  books.throttled(operation);
  throw new ApiError('ThrottlingException', 'Rate exceeded');
};

export interface Permission {
  readonly key: AccessKey;
  readonly action: AnyAction;
  /** What follows the account in an ARN of AWS IoT Core, or `*`. */
  readonly resources: readonly string[];
}

/** Every resource has to be allowed. @throws ApiError AccessDeniedException in AWS's words, which name action and resource */
export const authorise = ({ iam }: Gate, { key, action, resources }: Permission): void => {
  for (const resource of resources) {
    const decision = iam.decide({ action, resource, clientId: '' });
    if (decision === 'allow') continue;
    const why = decision === 'deny' ? 'with an explicit deny in an identity-based policy' : `because no identity-based policy allows the ${action} action`;
    const where = resource === '*' ? '*' : iotArn(resource);
    throw new ApiError('AccessDeniedException', `User: ${key.arn} is not authorized to perform: ${action} on resource: ${where} ${why}`);
  }
};
