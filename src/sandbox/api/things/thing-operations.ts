import { z } from 'zod';
import { alreadyExists, checkVersion, invalidRequest } from '../api-error.js';
import type { Cloud, Thing } from '../cloud.js';
import { find, newResource } from '../new-resource.js';
import type { ApiRequest, Operation } from '../operation.js';
import { nameSchema, readBody, readExpectedVersion, readName } from '../read-member.js';
import { applyAttributes, attributePayloadSchema, checkAttributeCount } from './attribute-payload.js';
import { listThings } from './list-things.js';

const createSchema = z.object({
  thingTypeName: nameSchema.optional(),
  billingGroupName: nameSchema.optional(),
  attributePayload: attributePayloadSchema.default({ attributes: {}, merge: false }),
});

const updateSchema = z.object({
  thingTypeName: nameSchema.optional(),
  attributePayload: attributePayloadSchema.optional(),
  expectedVersion: z.int().optional(),
  removeThingType: z.boolean().default(false),
});

export const thingResource = (request: ApiRequest): readonly string[] => [`thing/${request.path['thingName'] ?? ''}`];

const checkType = (cloud: Cloud, typeName: string | undefined): void => {
  if (typeName === undefined) return;
  const { deprecatedAt } = find(cloud.thingTypes, 'Thing type', typeName);
  if (deprecatedAt !== undefined) throw invalidRequest(`Thing type ${typeName} is deprecated and takes no more things.`);
};

const sorted = (attributes: Thing['attributes']): string => JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));

type Wanted = Pick<Thing, 'typeName' | 'attributes' | 'billingGroup'>;

const isSame = (thing: Thing, wanted: Wanted): boolean =>
  thing.typeName === wanted.typeName && thing.billingGroup === wanted.billingGroup && sorted(thing.attributes) === sorted(wanted.attributes);

const made = ({ name, arn, id }: Thing): object => ({ thingName: name, thingArn: arn, thingId: id });

/** The same thing again is a success with the same id; a different one of that name exists already. */
const again = (thing: Thing, wanted: Wanted): object => {
  if (isSame(thing, wanted)) return made(thing);
  throw alreadyExists(`Thing ${thing.name} already exists in account with different attributes`, thing);
};

const createThing = (cloud: Cloud, request: ApiRequest): object => {
  const name = readName(request, 'thingName');
  const body = readBody(createSchema, request);
  const wanted: Wanted = {
    typeName: body.thingTypeName,
    billingGroup: body.billingGroupName,
    attributes: applyAttributes({}, { ...body.attributePayload, merge: false }),
  };
  const present = cloud.things.get(name);
  if (present !== undefined) return again(present, wanted);
  checkType(cloud, wanted.typeName);
  if (wanted.billingGroup !== undefined) find(cloud.billingGroups, 'Billing group', wanted.billingGroup);
  checkAttributeCount(wanted.attributes, wanted.typeName, cloud.limits);
  const thing: Thing = { ...newResource('thing', name), ...wanted, version: 1, principals: new Map(), groups: new Set() };
  cloud.things.set(name, thing);
  return made(thing);
};

const describeThing = (cloud: Cloud, request: ApiRequest): object => {
  const thing = find(cloud.things, 'Thing', readName(request, 'thingName'));
  return {
    defaultClientId: thing.name,
    ...made(thing),
    thingTypeName: thing.typeName,
    attributes: thing.attributes,
    version: thing.version,
    billingGroupName: thing.billingGroup,
  };
};

const updateThing = (cloud: Cloud, request: ApiRequest): object => {
  const thing = find(cloud.things, 'Thing', readName(request, 'thingName'));
  const body = readBody(updateSchema, request);
  if (body.removeThingType && body.thingTypeName !== undefined) throw invalidRequest('thingTypeName and removeThingType cannot be given together.');
  checkVersion('thing', thing.version, body.expectedVersion);
  if (body.thingTypeName !== thing.typeName) checkType(cloud, body.thingTypeName);
  const typeName = body.removeThingType ? undefined : (body.thingTypeName ?? thing.typeName);
  const attributes = body.attributePayload === undefined ? thing.attributes : applyAttributes(thing.attributes, body.attributePayload);
  checkAttributeCount(attributes, typeName, cloud.limits);
  Object.assign(thing, { typeName, attributes, version: thing.version + 1 });
  return {};
};

/** Deleting what is not there is a success. */
const deleteThing = (cloud: Cloud, request: ApiRequest): object => {
  const thing = cloud.things.get(readName(request, 'thingName'));
  if (thing === undefined) return {};
  checkVersion('thing', thing.version, readExpectedVersion(request));
  if (thing.principals.size > 0) throw invalidRequest(`Cannot delete. Thing ${thing.name} is still attached to one or more principals`);
  cloud.things.delete(thing.name);
  return {};
};

const createResources = (request: ApiRequest): readonly string[] => {
  const { billingGroupName } = request.body;
  return [...thingResource(request), ...(typeof billingGroupName === 'string' ? [`billinggroup/${billingGroupName}`] : [])];
};

const path = '/things/{thingName}';

export const thingOperations: readonly Operation[] = [
  { name: 'CreateThing', method: 'POST', path, resources: createResources, perform: createThing },
  { name: 'DescribeThing', method: 'GET', path, resources: thingResource, perform: describeThing },
  { name: 'UpdateThing', method: 'PATCH', path, resources: thingResource, perform: updateThing },
  { name: 'DeleteThing', method: 'DELETE', path, resources: thingResource, perform: deleteThing },
  { name: 'ListThings', method: 'GET', path: '/things', perform: listThings },
];
