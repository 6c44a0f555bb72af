import { certificateArnOf } from '../../registry.js';
import { invalidRequest } from '../api-error.js';
import { thingPrincipalTypes, type Cloud, type Thing, type ThingPrincipalType } from '../cloud.js';
import { find } from '../new-resource.js';
import type { ApiRequest, Operation } from '../operation.js';
import { pageOf, tokenPaging } from '../paging.js';
import { certificateOfArn, resourceOfArn } from '../read-principal.js';
import { readHeader, readName, readWord } from '../read-member.js';
import { thingResource } from './thing-operations.js';

const header = 'x-amzn-principal';

const principalResource = ({ headers }: ApiRequest): readonly string[] => [resourceOfArn(headers[header])];

const thingIn = (cloud: Cloud, request: ApiRequest): Thing => find(cloud.things, 'Thing', readName(request, 'thingName'));

const principalIn = (cloud: Cloud, request: ApiRequest): string => certificateOfArn(cloud, readHeader(request, header)).id;

const thingsOf = (cloud: Cloud, certificateId: string): Thing[] => [...cloud.things.values()].filter(({ principals }) => principals.has(certificateId));

/** A certificate of one thing only stays so. */
const checkExclusive = (cloud: Cloud, thing: Thing, certificateId: string, type: ThingPrincipalType): void => {
  const holder = cloud.exclusive.get(certificateId);
  const taken = holder !== undefined && holder !== thing.name;
  const shared = type === 'EXCLUSIVE_THING' && thingsOf(cloud, certificateId).some((other) => other !== thing);
  if (taken || shared) throw invalidRequest('The principal is attached to another thing, and one of both attachments is exclusive.');
};

/** Attaching again is a success. */
const attachThingPrincipal = (cloud: Cloud, request: ApiRequest): object => {
  const [thing, certificateId] = [thingIn(cloud, request), principalIn(cloud, request)];
  const type = readWord(request, 'thingPrincipalType', thingPrincipalTypes) ?? 'NON_EXCLUSIVE_THING';
  checkExclusive(cloud, thing, certificateId, type);
  thing.principals.set(certificateId, type);
  if (type === 'EXCLUSIVE_THING') cloud.exclusive.set(certificateId, thing.name);
  else cloud.exclusive.delete(certificateId);
  return {};
};

const detachThingPrincipal = (cloud: Cloud, request: ApiRequest): object => {
  const [thing, certificateId] = [thingIn(cloud, request), principalIn(cloud, request)];
  if (thing.principals.delete(certificateId)) cloud.exclusive.delete(certificateId);
  return {};
};

interface Attachment {
  readonly sequence: number;
  readonly principal: string;
  readonly thing: string;
  readonly type: ThingPrincipalType;
}

/** A thing's attachments in the order in which they were made. */
const principalsOf = (thing: Thing): Attachment[] =>
  [...thing.principals].map(([certificateId, type], sequence) => ({ sequence, principal: certificateArnOf(certificateId), thing: thing.name, type }));

const ofType = (request: ApiRequest, attachments: Attachment[]): Attachment[] => {
  const wanted = readWord(request, 'thingPrincipalType', thingPrincipalTypes);
  return attachments.filter(({ type }) => wanted === undefined || type === wanted);
};

const listThingPrincipals = (cloud: Cloud, request: ApiRequest): object => {
  const { items, more } = pageOf(request, tokenPaging, principalsOf(thingIn(cloud, request)));
  return { principals: items.map(({ principal }) => principal), ...more };
};

const listThingPrincipalsV2 = (cloud: Cloud, request: ApiRequest): object => {
  const { items, more } = pageOf(request, tokenPaging, ofType(request, principalsOf(thingIn(cloud, request))));
  return { thingPrincipalObjects: items.map(({ principal, type }) => ({ principal, thingPrincipalType: type })), ...more };
};

const attachmentsOf = (cloud: Cloud, request: ApiRequest): Attachment[] => {
  const certificateId = principalIn(cloud, request);
  return thingsOf(cloud, certificateId).map(({ sequence, name, principals }) => ({
    sequence,
    principal: certificateArnOf(certificateId),
    thing: name,
    type: principals.get(certificateId) ?? 'NON_EXCLUSIVE_THING',
  }));
};

const listPrincipalThings = (cloud: Cloud, request: ApiRequest): object => {
  const { items, more } = pageOf(request, tokenPaging, attachmentsOf(cloud, request));
  return { things: items.map(({ thing }) => thing), ...more };
};

const listPrincipalThingsV2 = (cloud: Cloud, request: ApiRequest): object => {
  const { items, more } = pageOf(request, tokenPaging, ofType(request, attachmentsOf(cloud, request)));
  return { principalThingObjects: items.map(({ thing, type }) => ({ thingName: thing, thingPrincipalType: type })), ...more };
};

const path = '/things/{thingName}/principals';

export const principalOperations: readonly Operation[] = [
  { name: 'AttachThingPrincipal', method: 'PUT', path, resources: principalResource, perform: attachThingPrincipal },
  { name: 'DetachThingPrincipal', method: 'DELETE', path, resources: principalResource, perform: detachThingPrincipal },
  { name: 'ListThingPrincipals', method: 'GET', path, resources: thingResource, perform: listThingPrincipals },
  { name: 'ListThingPrincipalsV2', method: 'GET', path: `${path}-v2`, resources: thingResource, perform: listThingPrincipalsV2 },
  { name: 'ListPrincipalThings', method: 'GET', path: '/principals/things', resources: principalResource, perform: listPrincipalThings },
  { name: 'ListPrincipalThingsV2', method: 'GET', path: '/principals/things-v2', resources: principalResource, perform: listPrincipalThingsV2 },
];
