import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { alreadyExists, checkVersion, invalidRequest } from '../api-error.js';
import type { Cloud, ThingGroup } from '../cloud.js';
import { epochSeconds, find, newResource } from '../new-resource.js';
import type { ApiRequest, Operation } from '../operation.js';
import { pageOf, tokenPaging } from '../paging.js';
import { nameSchema, readBody, readExpectedVersion, readName } from '../read-member.js';
import { attributePayloadSchema } from './attribute-payload.js';

const createSchema = z.object({
  parentGroupName: nameSchema.optional(),
  thingGroupProperties: z.object({ thingGroupDescription: z.string().max(2028).optional(), attributePayload: attributePayloadSchema.optional() }).default({}),
});

/** Levels of groups in groups (AWS quota). */
const maxDepth = 7;

const resources = (request: ApiRequest): readonly string[] => [`thinggroup/${request.path['thingGroupName'] ?? ''}`];

const groupIn = (cloud: Cloud, request: ApiRequest): ThingGroup => find(cloud.thingGroups, 'Thing group', readName(request, 'thingGroupName'));

const brief = ({ name, arn }: { readonly name: string; readonly arn: string }): object => ({ groupName: name, groupArn: arn });

/** The groups above, the root first. */
const ancestors = (cloud: Cloud, parent: string | undefined): readonly ThingGroup[] => {
  if (parent === undefined) return [];
  const group = find(cloud.thingGroups, 'Thing group', parent);
  return [...ancestors(cloud, group.parent), group];
};

const made = ({ name, arn, id }: ThingGroup): object => ({ thingGroupName: name, thingGroupArn: arn, thingGroupId: id });

const createThingGroup = (cloud: Cloud, request: ApiRequest): object => {
  const name = readName(request, 'thingGroupName');
  const { parentGroupName: parent, thingGroupProperties: properties } = readBody(createSchema, request);
  const present = cloud.thingGroups.get(name);
  if (present !== undefined) {
    if (present.parent === parent && isDeepStrictEqual(present.properties, properties)) return made(present);
    throw alreadyExists(`Thing group ${name} already exists with different properties`, present);
  }
  if (ancestors(cloud, parent).length >= maxDepth) throw invalidRequest(`Thing groups can be at most ${maxDepth} levels deep.`);
  const group: ThingGroup = { ...newResource('thinggroup', name), parent, properties, version: 1 };
  cloud.thingGroups.set(name, group);
  return made(group);
};

const describeThingGroup = (cloud: Cloud, request: ApiRequest): object => {
  const group = groupIn(cloud, request);
  const above = ancestors(cloud, group.parent);
  return {
    ...made(group),
    version: group.version,
    thingGroupProperties: group.properties,
    thingGroupMetadata: {
      creationDate: epochSeconds(group.createdAt),
      ...(group.parent === undefined ? {} : { parentGroupName: group.parent, rootToParentThingGroups: above.map(brief) }),
    },
  };
};

const listThingGroups = (cloud: Cloud, request: ApiRequest): object => {
  const [parent, prefix] = [request.query.get('parentGroup'), request.query.get('namePrefixFilter') ?? ''];
  const found = [...cloud.thingGroups.values()].filter((group) => group.name.startsWith(prefix) && (parent === null || group.parent === parent));
  const { items, more } = pageOf(request, tokenPaging, found);
  return { thingGroups: items.map(brief), ...more };
};

const deleteThingGroup = (cloud: Cloud, request: ApiRequest): object => {
  const group = cloud.thingGroups.get(readName(request, 'thingGroupName'));
  if (group === undefined) return {};
  checkVersion('thing group', group.version, readExpectedVersion(request));
  if ([...cloud.thingGroups.values()].some(({ parent }) => parent === group.name)) throw invalidRequest(`Thing group ${group.name} still has groups in it.`);
  cloud.thingGroups.delete(group.name);
  for (const thing of cloud.things.values()) thing.groups.delete(group.name);
  return {};
};

const path = '/thing-groups/{thingGroupName}';

export const thingGroupOperations: readonly Operation[] = [
  { name: 'CreateThingGroup', method: 'POST', path, resources, perform: createThingGroup },
  { name: 'DescribeThingGroup', method: 'GET', path, resources, perform: describeThingGroup },
  { name: 'ListThingGroups', method: 'GET', path: '/thing-groups', perform: listThingGroups },
  { name: 'DeleteThingGroup', method: 'DELETE', path, resources, perform: deleteThingGroup },
];
