import { invalidRequest } from '../api-error.js';
import type { Cloud, Thing } from '../cloud.js';
import type { ApiRequest } from '../operation.js';
import { pageOf, tokenPaging } from '../paging.js';
import { readFlag } from '../read-member.js';

type Filter = (thing: Thing) => boolean;

const filterOf = (request: ApiRequest): Filter => {
  const { query } = request;
  const [name, value, type] = [query.get('attributeName'), query.get('attributeValue'), query.get('thingTypeName')];
  if (name === null && value !== null) throw invalidRequest('attributeValue needs attributeName.');
  const byPrefix = readFlag(request, 'usePrefixAttributeValue');
  const holds = (text: string | undefined): boolean => text !== undefined && (value === null || (byPrefix ? text.startsWith(value) : text === value));
  return (thing) => (type === null || thing.typeName === type) && (name === null || holds(thing.attributes[name]));
};

const passing = function* (things: Iterable<Thing>, filter: Filter): Iterable<Thing> {
  for (const thing of things) if (filter(thing)) yield thing;
};

const listed = ({ name, typeName, arn, attributes, version }: Thing): object => ({ thingName: name, thingTypeName: typeName, thingArn: arn, attributes, version });

/** ListThings: filters on type and on one attribute, exact or by prefix. */
export const listThings = (cloud: Cloud, request: ApiRequest): object => {
  const { items, more } = pageOf(request, tokenPaging, passing(cloud.things.values(), filterOf(request)));
  return { things: items.map(listed), ...more };
};
