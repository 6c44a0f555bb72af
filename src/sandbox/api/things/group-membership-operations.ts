import { z } from 'zod';
import { nameInArn } from '../../arn.js';
import { exceeds } from '../../limits.js';
import { invalidRequest } from '../api-error.js';
import type { Cloud, Thing, ThingGroup } from '../cloud.js';
import { find } from '../new-resource.js';
import type { ApiRequest, Operation } from '../operation.js';
import { pageOf, tokenPaging } from '../paging.js';
import { nameSchema, readBody, readName } from '../read-member.js';
import { thingResource } from './thing-operations.js';

const membershipSchema = z.object({
  thingName: nameSchema.optional(),
  thingArn: z.string().optional(),
  thingGroupName: nameSchema.optional(),
  thingGroupArn: z.string().optional(),
});

type Membership = z.output<typeof membershipSchema>;

/** Each side may be named or given as an ARN. */
const nameOf = (kind: 'thing' | 'thinggroup', name: string | undefined, arn: string | undefined): string => {
  const named = name ?? (arn === undefined ? undefined : nameInArn(kind, arn));
  if (named === undefined) throw invalidRequest(`A name or an ARN of a ${kind} is needed.`);
  return named;
};

const namesOf = (body: Membership): { thing: string; group: string } => ({
  thing: nameOf('thing', body.thingName, body.thingArn),
  group: nameOf('thinggroup', body.thingGroupName, body.thingGroupArn),
});

const membersOf = (cloud: Cloud, request: ApiRequest): { thing: Thing; group: ThingGroup } => {
  const names = namesOf(readBody(membershipSchema, request));
  return { thing: find(cloud.things, 'Thing', names.thing), group: find(cloud.thingGroups, 'Thing group', names.group) };
};

const resources = (request: ApiRequest): readonly string[] => {
  const { thing, group } = namesOf(readBody(membershipSchema, request));
  return [`thing/${thing}`, `thinggroup/${group}`];
};

const addThingToThingGroup = (cloud: Cloud, request: ApiRequest): object => {
  const { thing, group } = membersOf(cloud, request);
  const most = cloud.limits.maxGroupsPerThing;
  if (!thing.groups.has(group.name) && exceeds(thing.groups.size + 1, most)) throw invalidRequest(`A thing can be in at most ${most} thing groups.`);
  thing.groups.add(group.name);
  return {};
};

const removeThingFromThingGroup = (cloud: Cloud, request: ApiRequest): object => {
  const { thing, group } = membersOf(cloud, request);
  thing.groups.delete(group.name);
  return {};
};

const listThingGroupsForThing = (cloud: Cloud, request: ApiRequest): object => {
  const thing = find(cloud.things, 'Thing', readName(request, 'thingName'));
  const groups = [...cloud.thingGroups.values()].filter(({ name }) => thing.groups.has(name));
  const { items, more } = pageOf(request, tokenPaging, groups);
  return { thingGroups: items.map(({ name, arn }) => ({ groupName: name, groupArn: arn })), ...more };
};

const listThingsInThingGroup = (cloud: Cloud, request: ApiRequest): object => {
  const group = find(cloud.thingGroups, 'Thing group', readName(request, 'thingGroupName'));
  const { items, more } = pageOf(request, tokenPaging, [...cloud.things.values()].filter((thing) => thing.groups.has(group.name)));
  return { things: items.map(({ name }) => name), ...more };
};

const groupResource = (request: ApiRequest): readonly string[] => [`thinggroup/${request.path['thingGroupName'] ?? ''}`];

export const groupMembershipOperations: readonly Operation[] = [
  { name: 'AddThingToThingGroup', method: 'PUT', path: '/thing-groups/addThingToThingGroup', resources, perform: addThingToThingGroup },
  { name: 'RemoveThingFromThingGroup', method: 'PUT', path: '/thing-groups/removeThingFromThingGroup', resources, perform: removeThingFromThingGroup },
  { name: 'ListThingGroupsForThing', method: 'GET', path: '/things/{thingName}/thing-groups', resources: thingResource, perform: listThingGroupsForThing },
  { name: 'ListThingsInThingGroup', method: 'GET', path: '/thing-groups/{thingGroupName}/things', resources: groupResource, perform: listThingsInThingGroup },
];
