import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { alreadyExists, checkVersion } from '../api-error.js';
import type { BillingGroup, Cloud } from '../cloud.js';
import { epochSeconds, find, newResource } from '../new-resource.js';
import type { ApiRequest, Operation } from '../operation.js';
import { pageOf, tokenPaging } from '../paging.js';
import { readBody, readExpectedVersion, readName } from '../read-member.js';

const createSchema = z.object({ billingGroupProperties: z.object({ billingGroupDescription: z.string().max(2028).optional() }).default({}) });

const resources = (request: ApiRequest): readonly string[] => [`billinggroup/${request.path['billingGroupName'] ?? ''}`];

const made = ({ name, arn, id }: BillingGroup): object => ({ billingGroupName: name, billingGroupArn: arn, billingGroupId: id });

const createBillingGroup = (cloud: Cloud, request: ApiRequest): object => {
  const name = readName(request, 'billingGroupName');
  const { billingGroupProperties: properties } = readBody(createSchema, request);
  const present = cloud.billingGroups.get(name);
  if (present !== undefined) {
    if (isDeepStrictEqual(present.properties, properties)) return made(present);
    throw alreadyExists(`Billing group ${name} already exists with different properties`, present);
  }
  const group: BillingGroup = { ...newResource('billinggroup', name), properties, version: 1 };
  cloud.billingGroups.set(name, group);
  return made(group);
};

const describeBillingGroup = (cloud: Cloud, request: ApiRequest): object => {
  const group = find(cloud.billingGroups, 'Billing group', readName(request, 'billingGroupName'));
  const { version, properties, createdAt } = group;
  return { ...made(group), version, billingGroupProperties: properties, billingGroupMetadata: { creationDate: epochSeconds(createdAt) } };
};

const listBillingGroups = (cloud: Cloud, request: ApiRequest): object => {
  const prefix = request.query.get('namePrefixFilter') ?? '';
  const { items, more } = pageOf(request, tokenPaging, [...cloud.billingGroups.values()].filter(({ name }) => name.startsWith(prefix)));
  return { billingGroups: items.map(({ name, arn }) => ({ groupName: name, groupArn: arn })), ...more };
};

const deleteBillingGroup = (cloud: Cloud, request: ApiRequest): object => {
  const group = cloud.billingGroups.get(readName(request, 'billingGroupName'));
  if (group === undefined) return {};
  checkVersion('billing group', group.version, readExpectedVersion(request));
  cloud.billingGroups.delete(group.name);
  for (const thing of cloud.things.values()) if (thing.billingGroup === group.name) thing.billingGroup = undefined;
  return {};
};

const path = '/billing-groups/{billingGroupName}';

export const billingGroupOperations: readonly Operation[] = [
  { name: 'CreateBillingGroup', method: 'POST', path, resources, perform: createBillingGroup },
  { name: 'DescribeBillingGroup', method: 'GET', path, resources, perform: describeBillingGroup },
  { name: 'ListBillingGroups', method: 'GET', path: '/billing-groups', perform: listBillingGroups },
  { name: 'DeleteBillingGroup', method: 'DELETE', path, resources, perform: deleteBillingGroup },
];
