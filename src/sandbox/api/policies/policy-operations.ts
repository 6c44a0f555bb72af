import { z } from 'zod';
import { BridgeError } from '../../../errors.js';
import type { StoredPolicy } from '../../policy-store.js';
import { alreadyExists, ApiError } from '../api-error.js';
import type { Cloud } from '../cloud.js';
import { epochSeconds, find } from '../new-resource.js';
import type { ApiRequest, Operation } from '../operation.js';
import { markerPaging, pageOf } from '../paging.js';
import { checkText, readBody } from '../read-member.js';

const documentSchema = z.object({ policyDocument: z.string().min(1, 'Member must not be null') });

export const policyResource = (request: ApiRequest): readonly string[] => [`policy/${request.path['policyName'] ?? ''}`];

export const readPolicyName = ({ path }: ApiRequest): string => checkText('policyName', path['policyName'], /^[\w+=,.@-]{1,128}$/);

export const policyIn = (cloud: Cloud, request: ApiRequest): StoredPolicy => find(cloud.registry.policies.policies, 'Policy', readPolicyName(request));

/** The document of the body, as a step that may find it malformed. @throws ApiError MalformedPolicyException */
export const withDocument = <T>(request: ApiRequest, use: (document: string) => T): T => {
  const { policyDocument } = readBody(documentSchema, request);
  try {
    return use(policyDocument);
  } catch (error) {
    if (error instanceof BridgeError) throw new ApiError('MalformedPolicyException', `Policy document is malformed: ${error.message}`);
    throw error;
  }
};

export const attachedTo = (cloud: Cloud, policyName: string): number => {
  let count = 0;
  for (const { policies } of cloud.registry.certificates()) if (policies.has(policyName)) count += 1;
  return count;
};

const createPolicy = (cloud: Cloud, request: ApiRequest): object => {
  const name = readPolicyName(request);
  const present = cloud.registry.policies.policies.get(name);
  if (present !== undefined) throw alreadyExists(`Policy cannot be created - name already exists (name=${name})`, { id: name, arn: present.arn });
  return withDocument(request, (document) => {
    const { arn, defaultVersionId } = cloud.registry.policies.put(name, document);
    return { policyName: name, policyArn: arn, policyDocument: document, policyVersionId: defaultVersionId };
  });
};

const getPolicy = (cloud: Cloud, request: ApiRequest): object => {
  const policy = policyIn(cloud, request);
  return {
    policyName: policy.name,
    policyArn: policy.arn,
    policyDocument: policy.versions.get(policy.defaultVersionId)?.document,
    defaultVersionId: policy.defaultVersionId,
    creationDate: epochSeconds(policy.createdAt),
    lastModifiedDate: epochSeconds(policy.changedAt),
    generationId: policy.generationId,
  };
};

const listPolicies = (cloud: Cloud, request: ApiRequest): object => {
  const { items, more } = pageOf(request, markerPaging, cloud.registry.policies.policies.values());
  return { policies: items.map(({ name, arn }) => ({ policyName: name, policyArn: arn })), ...more };
};

const deletePolicy = (cloud: Cloud, request: ApiRequest): object => {
  const { name, versions } = policyIn(cloud, request);
  if (versions.size > 1) throw new ApiError('DeleteConflictException', `Cannot delete the policy because it has one or more policy versions attached to it (name=${name})`);
  if (attachedTo(cloud, name) > 0) throw new ApiError('DeleteConflictException', `The policy cannot be deleted as the policy is attached to one or more principals (name=${name})`);
  cloud.registry.policies.remove(name);
  return {};
};

const path = '/policies/{policyName}';

export const policyOperations: readonly Operation[] = [
  { name: 'CreatePolicy', method: 'POST', path, resources: policyResource, perform: createPolicy },
  { name: 'GetPolicy', method: 'GET', path, resources: policyResource, perform: getPolicy },
  { name: 'ListPolicies', method: 'GET', path: '/policies', perform: listPolicies },
  { name: 'DeletePolicy', method: 'DELETE', path, resources: policyResource, perform: deletePolicy },
];
