import { z } from 'zod';
import { BridgeError } from '../errors.js';

const oneOrMany = z.union([z.string(), z.array(z.string()).min(1)]).transform((value) => [value].flat());

const statementSchema = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Action: oneOrMany,
  Resource: oneOrMany,
});

const policySchema = z.strictObject({
  Version: z.literal('2012-10-17'),
  Id: z.string().optional(),
  Statement: z.union([statementSchema, z.array(statementSchema).min(1)]).transform((value) => [value].flat()),
});

/** An IoT policy in AWS's JSON: Version, Statement with Effect, Action, Resource. Conditions are not understood and are refused. */
export type PolicyDocument = z.input<typeof policySchema>;

/** What a policy can be asked: an action of the broker, of the API or of STS. */
export type AnyAction = `iot:${string}` | `sts:${string}`;

/** The actions that a client's packets need (AWS IoT developer guide, "AWS IoT Core policy actions"). */
export type PolicyAction = 'iot:Connect' | 'iot:Publish' | 'iot:RetainPublish' | 'iot:Receive' | 'iot:Subscribe';

export interface PolicyRequest {
  readonly action: AnyAction;
  /** What follows the account in the ARN: `client/…`, `topic/…`, `topicfilter/…`, `thing/…` and so on; `*` for an action that knows no resource. */
  readonly resource: string;
  /** Value of `${iot:ClientId}` in a policy. */
  readonly clientId: string;
}

export type PolicyDecision = 'allow' | 'deny' | 'none';

export type Policy = (request: PolicyRequest) => PolicyDecision;

/** Lets a certificate do everything: the policy of the sandbox's own bridge certificate. */
export const allowAll: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }],
};

const clientIdVariable = '${iot:ClientId}';
const escapeText = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const wildcardSource = (text: string): string => escapeText(text).replaceAll('\\*', '.*').replaceAll('\\?', '.');

const wildcard = (text: string, clientId: string): RegExp =>
  new RegExp(`^${text.split(clientIdVariable).map(wildcardSource).join(escapeText(clientId))}$`, 's');

/** Region and account of a resource are not compared, so that a policy written for a real account can be tried here. */
const resourceTail = (resource: string): string | undefined =>
  resource === '*' ? resource : /^arn:aws[a-z-]*:(?:iot|iam|sts):[^:]*:[^:]*:(.+)$/s.exec(resource)?.[1];

/** IoT policies know resources of AWS IoT Core only; those of IAM also such of other services, which nothing here is. */
type Dialect = 'iot' | 'iam';

const resourceMatcher = (dialect: Dialect) => (resource: string): ((request: PolicyRequest) => boolean) => {
  const tail = dialect === 'iam' || /^\*$|^arn:aws[a-z-]*:iot:/.test(resource) ? resourceTail(resource) : undefined;
  if (tail === undefined) {
    if (dialect === 'iam' && resource.startsWith('arn:')) return () => false;
    throw new BridgeError('config_invalid', { field: 'Resource', detail: `${resource} is no ARN of AWS IoT Core` });
  }
  if (tail.includes(clientIdVariable)) return (request) => wildcard(tail, request.clientId).test(request.resource);
  const pattern = wildcard(tail, '');
  return (request) => pattern.test(request.resource);
};

const compileStatement = (dialect: Dialect) => (statement: z.output<typeof statementSchema>): Policy => {
  const actions = statement.Action.map((action) => new RegExp(`^${wildcardSource(action)}$`, 'i'));
  const resources = statement.Resource.map(resourceMatcher(dialect));
  const decision: PolicyDecision = statement.Effect === 'Allow' ? 'allow' : 'deny';
  return (request) =>
    actions.some((action) => action.test(request.action)) && resources.some((matches) => matches(request)) ? decision : 'none';
};

/** An explicit deny wins, then an allow; silence is a refusal. */
export const combine = (policies: readonly Policy[]): Policy => {
  return (request) => {
    const decisions = policies.map((policy) => policy(request));
    if (decisions.includes('deny')) return 'deny';
    return decisions.includes('allow') ? 'allow' : 'none';
  };
};

/** Without white space: AWS's quotas of an IoT policy and of a managed IAM policy. */
const maxCharacters: Record<Dialect, number> = { iot: 2048, iam: 6144 };

const compile = (document: unknown, dialect: Dialect): Policy => {
  const parsed = policySchema.safeParse(document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new BridgeError('config_invalid', { field: issue?.path.join('.') || 'policy', detail: issue?.message ?? `no ${dialect} policy` });
  }
  if (JSON.stringify(document).replace(/\s/g, '').length > maxCharacters[dialect]) {
    throw new BridgeError('config_invalid', { field: 'policy', detail: `longer than ${maxCharacters[dialect]} characters` });
  }
  return combine(parsed.data.Statement.map(compileStatement(dialect)));
};

/**
 * Reads an IoT policy.
 * @throws BridgeError `config_invalid` naming the field, also for more than 2,048 characters without white space (AWS quota).
 */
export const compilePolicy = (document: unknown): Policy => compile(document, 'iot');

/**
 * Reads an IAM policy: the same JSON, also with actions and resources of other services, which match nothing here.
 * @throws BridgeError `config_invalid` naming the field, also for more than 6,144 characters without white space (AWS quota).
 */
export const compileIamPolicy = (document: unknown): Policy => compile(document, 'iam');
