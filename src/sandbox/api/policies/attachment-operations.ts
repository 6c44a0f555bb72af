import { z } from 'zod';
import { exceeds } from '../../limits.js';
import type { StoredPolicy } from '../../policy-store.js';
import { certificateArnOf, type CertificateRecord } from '../../registry.js';
import { ApiError } from '../api-error.js';
import type { Cloud } from '../cloud.js';
import type { ApiRequest, Operation } from '../operation.js';
import { markerPaging, pageOf } from '../paging.js';
import { certificateOfArn, resourceOfArn } from '../read-principal.js';
import { readBody, readHeader } from '../read-member.js';
import { policyIn, policyResource } from './policy-operations.js';

const targetSchema = z.object({ target: z.string().min(1, 'Member must not be null') });

/** Two generations of operations: the target stands in the body, or the principal in a header, which is not the one of things. */
const targetIn = (request: ApiRequest): string => readBody(targetSchema, request).target;
const principalIn = (request: ApiRequest): string => readHeader(request, 'x-amzn-iot-principal');

type ReadArn = (request: ApiRequest) => string;

const attach = (readArn: ReadArn) => (cloud: Cloud, request: ApiRequest): object => {
  const { name } = policyIn(cloud, request);
  const { id, policies } = certificateOfArn(cloud, readArn(request));
  if (!policies.has(name) && exceeds(policies.size + 1, cloud.limits.maxPoliciesPerTarget)) {
    throw new ApiError('LimitExceededException', `The maximum number of policies (${cloud.limits.maxPoliciesPerTarget}) is attached to the principal already.`);
  }
  cloud.registry.attach(name, id);
  return {};
};

const detach = (readArn: ReadArn) => (cloud: Cloud, request: ApiRequest): object => {
  cloud.registry.detach(policyIn(cloud, request).name, certificateOfArn(cloud, readArn(request)).id);
  return {};
};

const list = (readArn: ReadArn) => (cloud: Cloud, request: ApiRequest): object => {
  const { policies } = certificateOfArn(cloud, readArn(request));
  const attached = [...policies].map((name) => cloud.registry.policies.policies.get(name)).filter((policy): policy is StoredPolicy => policy !== undefined);
  const numbered = attached.map(({ name, arn }, sequence) => ({ sequence, name, arn }));
  const { items, more } = pageOf(request, markerPaging, numbered);
  return { policies: items.map(({ name, arn }) => ({ policyName: name, policyArn: arn })), ...more };
};

const listTargets = (cloud: Cloud, request: ApiRequest): object => {
  const { name } = policyIn(cloud, request);
  const holders: CertificateRecord[] = [...cloud.registry.certificates()].filter(({ policies }) => policies.has(name));
  const { items, more } = pageOf(request, markerPaging, holders);
  return { targets: items.map(({ id }) => certificateArnOf(id)), ...more };
};

const targetOfPath: ReadArn = ({ path }) => path['target'] ?? '';

const onTarget = ({ body }: ApiRequest): readonly string[] => [resourceOfArn(body['target'])];
const onPrincipal = ({ headers }: ApiRequest): readonly string[] => [resourceOfArn(headers['x-amzn-iot-principal'])];
const onPath = (request: ApiRequest): readonly string[] => [resourceOfArn(targetOfPath(request))];

const targets = '/target-policies/{policyName}';
const principals = '/principal-policies/{policyName}';

export const attachmentOperations: readonly Operation[] = [
  { name: 'AttachPolicy', method: 'PUT', path: targets, resources: onTarget, perform: attach(targetIn) },
  { name: 'DetachPolicy', method: 'POST', path: targets, resources: onTarget, perform: detach(targetIn) },
  { name: 'ListAttachedPolicies', method: 'POST', path: '/attached-policies/{target}', resources: onPath, perform: list(targetOfPath) },
  { name: 'ListTargetsForPolicy', method: 'POST', path: '/policy-targets/{policyName}', resources: policyResource, perform: listTargets },
  { name: 'AttachPrincipalPolicy', method: 'PUT', path: principals, resources: onPrincipal, perform: attach(principalIn) },
  { name: 'DetachPrincipalPolicy', method: 'DELETE', path: principals, resources: onPrincipal, perform: detach(principalIn) },
  { name: 'ListPrincipalPolicies', method: 'GET', path: '/principal-policies', resources: onPrincipal, perform: list(principalIn) },
];
