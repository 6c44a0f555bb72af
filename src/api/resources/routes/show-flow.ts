import type { JsonObject } from '../../ports.js';
import { object, text, type Schema } from '../../schemas.js';
import type { ResourceView } from '../resource-view.js';
import { givenProperties, shownOptional, shownProperties } from './document-schema.js';
import { shownKeysOf } from './show-resource.js';

export const flowAnswer = (description: string): Schema => {
  const given = givenProperties('flow');
  const properties = { ...given, id: text('Names it.'), active: { type: 'boolean', description: '`false`: as if the flow were not there.' }, ...shownProperties };
  return object(properties, [...Object.keys(given).filter((key) => !['id', 'active'].includes(key)), ...shownOptional], { description });
};

export const showFlow = (view: ResourceView): JsonObject => ({ ...view.document, id: view.id, active: view.active, ...shownKeysOf(view) });
