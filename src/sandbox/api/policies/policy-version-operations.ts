import { exceeds } from '../../limits.js';
import type { PolicyVersion, StoredPolicy } from '../../policy-store.js';
import { ApiError } from '../api-error.js';
import type { Cloud } from '../cloud.js';
import { epochSeconds, find } from '../new-resource.js';
import type { ApiRequest, Operation } from '../operation.js';
import { readFlag } from '../read-member.js';
import { policyIn, policyResource, withDocument } from './policy-operations.js';

const createPolicyVersion = (cloud: Cloud, request: ApiRequest): object => {
  const policy = policyIn(cloud, request);
  if (exceeds(policy.versions.size + 1, cloud.limits.maxPolicyVersions)) {
    throw new ApiError('VersionsLimitExceededException', `The policy ${policy.name} already has the maximum number of versions (${cloud.limits.maxPolicyVersions})`);
  }
  const isDefaultVersion = readFlag(request, 'setAsDefault');
  return withDocument(request, (document) => {
    const { id } = cloud.registry.policies.addVersion(policy, document);
    if (isDefaultVersion) cloud.registry.policies.setDefault(policy, id);
    return { policyArn: policy.arn, policyDocument: document, policyVersionId: id, isDefaultVersion };
  });
};

const versionIn = (policy: StoredPolicy, { path }: ApiRequest): PolicyVersion => find(policy.versions, 'Policy version', path['policyVersionId'] ?? '');

const getPolicyVersion = (cloud: Cloud, request: ApiRequest): object => {
  const policy = policyIn(cloud, request);
  const { id, document, createdAt } = versionIn(policy, request);
  return {
    policyArn: policy.arn,
    policyName: policy.name,
    policyDocument: document,
    policyVersionId: id,
    isDefaultVersion: id === policy.defaultVersionId,
    creationDate: epochSeconds(createdAt),
    lastModifiedDate: epochSeconds(createdAt),
    generationId: policy.generationId,
  };
};

const listPolicyVersions = (cloud: Cloud, request: ApiRequest): object => {
  const { versions, defaultVersionId } = policyIn(cloud, request);
  return { policyVersions: [...versions.values()].map(({ id, createdAt }) => ({ versionId: id, isDefaultVersion: id === defaultVersionId, createDate: epochSeconds(createdAt) })) };
};

const setDefaultPolicyVersion = (cloud: Cloud, request: ApiRequest): object => {
  const policy = policyIn(cloud, request);
  cloud.registry.policies.setDefault(policy, versionIn(policy, request).id);
  return {};
};

const deletePolicyVersion = (cloud: Cloud, request: ApiRequest): object => {
  const policy = policyIn(cloud, request);
  const { id } = versionIn(policy, request);
  if (id === policy.defaultVersionId) throw new ApiError('DeleteConflictException', `Cannot delete the default version of a policy (name=${policy.name})`);
  policy.versions.delete(id);
  return {};
};

const list = '/policies/{policyName}/version';
const one = `${list}/{policyVersionId}`;
const resources = policyResource;

export const policyVersionOperations: readonly Operation[] = [
  { name: 'CreatePolicyVersion', method: 'POST', path: list, resources, perform: createPolicyVersion },
  { name: 'GetPolicyVersion', method: 'GET', path: one, resources, perform: getPolicyVersion },
  { name: 'ListPolicyVersions', method: 'GET', path: list, resources, perform: listPolicyVersions },
  { name: 'SetDefaultPolicyVersion', method: 'PATCH', path: one, resources, perform: setDefaultPolicyVersion },
  { name: 'DeletePolicyVersion', method: 'DELETE', path: one, resources, perform: deletePolicyVersion },
];
