import { z } from 'zod';
import { exceeds, type SandboxLimits } from '../../limits.js';
import { invalidRequest } from '../api-error.js';
import type { Thing } from '../cloud.js';

const legal = (pattern: string): string => `Member must satisfy regular expression pattern: ${pattern}`;
const name = z.string().regex(/^[a-zA-Z0-9_.,@/:#-]{1,128}$/, legal('[a-zA-Z0-9_.,@/:#-]+ and have length less than or equal to 128'));
const value = z.string().regex(/^[a-zA-Z0-9_.,@/:#=[\]-]{0,800}$/, legal('[a-zA-Z0-9_.,@/:#=\\[\\]-]* and have length less than or equal to 800'));

/** AWS's `AttributePayload`; `merge` counts only in UpdateThing. */
export const attributePayloadSchema = z.object({ attributes: z.record(name, value).default({}), merge: z.boolean().default(false) });

export type AttributePayload = z.output<typeof attributePayloadSchema>;

/** The attributes after a change: an empty value removes one, without `merge` the set is replaced. */
export const applyAttributes = (before: Thing['attributes'], { attributes, merge }: AttributePayload): Thing['attributes'] => {
  const merged = { ...(merge ? before : {}), ...attributes };
  return Object.fromEntries(Object.entries(merged).filter(([, text]) => text !== ''));
};

const maxAttributeBytes = 47 * 1024;

/** A thing may have more attributes with a thing type than without. @throws ApiError InvalidRequestException */
export const checkAttributeCount = (attributes: Thing['attributes'], typeName: string | undefined, limits: SandboxLimits): void => {
  const most = typeName === undefined ? limits.maxUntypedThingAttributes : limits.maxThingAttributes;
  if (exceeds(Object.keys(attributes).length, most)) {
    throw invalidRequest(`A thing ${typeName === undefined ? 'without' : 'with'} a thing type can have at most ${most} attributes.`);
  }
  if (JSON.stringify(attributes).length > maxAttributeBytes) throw invalidRequest('The attributes of a thing can have at most 47 KB.');
};
