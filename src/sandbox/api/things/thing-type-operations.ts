import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { alreadyExists, invalidRequest } from '../api-error.js';
import type { Cloud, ThingType } from '../cloud.js';
import { epochSeconds, find, newResource } from '../new-resource.js';
import type { ApiRequest, Operation } from '../operation.js';
import { pageOf, tokenPaging } from '../paging.js';
import { readBody, readName } from '../read-member.js';

const propertiesSchema = z.object({
  thingTypeDescription: z.string().max(2028, 'Member must have length less than or equal to 2028').optional(),
  searchableAttributes: z.array(z.string().regex(/^[a-zA-Z0-9_.,@/:#-]{1,128}$/)).optional(),
  mqtt5Configuration: z.object({ propagatingAttributes: z.array(z.object({}).loose()).max(20).optional() }).optional(),
});
const createSchema = z.object({ thingTypeProperties: propertiesSchema.default({}) });
const deprecateSchema = z.object({ undoDeprecate: z.boolean().default(false) });

const resources = (request: ApiRequest): readonly string[] => [`thingtype/${request.path['thingTypeName'] ?? ''}`];

const made = ({ name, arn, id }: ThingType): object => ({ thingTypeName: name, thingTypeArn: arn, thingTypeId: id });

/** The same type again is a success. */
const createThingType = (cloud: Cloud, request: ApiRequest): object => {
  const name = readName(request, 'thingTypeName');
  const { thingTypeProperties: properties } = readBody(createSchema, request);
  const present = cloud.thingTypes.get(name);
  if (present !== undefined) {
    if (isDeepStrictEqual(present.properties, properties)) return made(present);
    throw alreadyExists(`ThingType ${name} already exists with different properties`, present);
  }
  const type: ThingType = { ...newResource('thingtype', name), properties, deprecatedAt: undefined };
  cloud.thingTypes.set(name, type);
  return made(type);
};

const typeIn = (cloud: Cloud, request: ApiRequest): ThingType => find(cloud.thingTypes, 'Thing type', readName(request, 'thingTypeName'));

const metadata = ({ createdAt, deprecatedAt }: ThingType): object => ({
  deprecated: deprecatedAt !== undefined,
  ...(deprecatedAt === undefined ? {} : { deprecationDate: epochSeconds(deprecatedAt) }),
  creationDate: epochSeconds(createdAt),
});

const described = (type: ThingType): object => ({ ...made(type), thingTypeProperties: type.properties, thingTypeMetadata: metadata(type) });

const describeThingType = (cloud: Cloud, request: ApiRequest): object => described(typeIn(cloud, request));

const updateThingType = (cloud: Cloud, request: ApiRequest): object => {
  const type = typeIn(cloud, request);
  type.properties = { ...type.properties, ...readBody(createSchema, request).thingTypeProperties };
  return {};
};

const listThingTypes = (cloud: Cloud, request: ApiRequest): object => {
  const name = request.query.get('thingTypeName');
  const found = name === null ? cloud.thingTypes.values() : [cloud.thingTypes.get(name)].filter((type) => type !== undefined);
  const { items, more } = pageOf(request, tokenPaging, found);
  return { thingTypes: items.map((type) => ({ ...(described(type) as Record<string, unknown>), thingTypeId: undefined })), ...more };
};

const deprecateThingType = (cloud: Cloud, request: ApiRequest): object => {
  const type = typeIn(cloud, request);
  type.deprecatedAt = readBody(deprecateSchema, request).undoDeprecate ? undefined : new Date();
  return {};
};

const deleteThingType = (cloud: Cloud, request: ApiRequest): object => {
  const { name, deprecatedAt } = typeIn(cloud, request);
  if (deprecatedAt === undefined) throw invalidRequest(`Thing type ${name} must be deprecated before it is deleted.`);
  for (const thing of cloud.things.values()) if (thing.typeName === name) throw invalidRequest(`Thing type ${name} is still used by things.`);
  cloud.thingTypes.delete(name);
  return {};
};

const path = '/thing-types/{thingTypeName}';

export const thingTypeOperations: readonly Operation[] = [
  { name: 'CreateThingType', method: 'POST', path, resources, perform: createThingType },
  { name: 'DescribeThingType', method: 'GET', path, resources, perform: describeThingType },
  { name: 'UpdateThingType', method: 'PATCH', path, resources, perform: updateThingType },
  { name: 'ListThingTypes', method: 'GET', path: '/thing-types', perform: listThingTypes },
  { name: 'DeprecateThingType', method: 'POST', path: `${path}/deprecate`, resources, perform: deprecateThingType },
  { name: 'DeleteThingType', method: 'DELETE', path, resources, perform: deleteThingType },
];
