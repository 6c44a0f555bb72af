import { parsePattern, type Segment } from '../topics/pattern-segments.js';
import { field, wrong, type FieldSpec } from './field.js';
import { readText } from './scalars.js';

/** Most characters of a pattern of a topic, a thing name or an attribute. */
export const maxPattern = 512;

/** What AWS takes as the name of a thing, thing type, thing group or billing group (AWS IoT API reference). */
export const awsName = /^[a-zA-Z0-9:_-]{1,128}$/;
export const awsNameForm = '1 to 128 letters, digits, colons, dashes and underscores';
const nameText = /^[a-zA-Z0-9:_-]*$/;
const maxNameLength = 128;

/** Names and values of attributes (AWS IoT API reference, AttributePayload): no spaces. */
export const attributeName = /^[a-zA-Z0-9_.,@/:#-]{1,128}$/;
export const attributeNameForm = '1 to 128 letters, digits and characters of _.,@/:#-';
export const attributeValue = /^[a-zA-Z0-9_.,@/:#=[\]-]{1,800}$/;
const attributeText = /^[a-zA-Z0-9_.,@/:#=[\]-]*$/;
const maxAttributes = 50;

/** The text that is the same for every device, fallbacks included. */
const fixedTexts = (segments: readonly Segment[]): string[] =>
  segments.flatMap((segment) => (typeof segment === 'string' ? [segment] : segment.alternatives.flatMap((alternative) => (alternative.kind === 'text' ? [alternative.text] : []))));

const readPattern = (value: unknown, allowed: RegExp, told: string): readonly Segment[] => {
  const segments = parsePattern(readText(value, maxPattern));
  return fixedTexts(segments).every((text) => allowed.test(text)) ? segments : wrong(`may hold only ${told} beside its keywords`);
};

const readThingName = (value: unknown): string => {
  const segments = readPattern(value, nameText, 'letters, digits, colons, dashes and underscores');
  if (segments.every((segment) => typeof segment === 'string')) return wrong('must hold a keyword such as {DevEUI}: each device has a thing of its own');
  const fixed = segments.reduce((length, segment) => length + (typeof segment === 'string' ? segment.length : 1), 0);
  return fixed > maxNameLength ? wrong(`makes names of over ${maxNameLength} characters`) : readText(value, maxPattern);
};

/** The pattern of the name of a thing. */
export const thingName = (spec: FieldSpec) => field({ form: 'topic pattern', json: { type: 'string', pattern: '\\{', maxLength: maxPattern }, ...spec }, readThingName);

const readAttribute = (name: string, pattern: unknown): readonly [string, string] => {
  if (!attributeName.test(name)) return wrong(`must have names of ${attributeNameForm}`);
  readPattern(pattern, attributeText, 'letters, digits and characters of _.,@/:#=[]-');
  return [name, readText(pattern, maxPattern)];
};

const readAttributes = (value: unknown): Readonly<Record<string, string>> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong('must be a mapping of names to patterns');
  const entries = Object.entries(value);
  return entries.length > maxAttributes ? wrong(`must have at most ${maxAttributes} entries`) : Object.fromEntries(entries.map(([name, pattern]) => readAttribute(name, pattern)));
};

/** The attributes of a thing: a pattern for each. */
export const thingAttributes = (spec: FieldSpec) =>
  field(
    {
      form: 'mapping of names to patterns',
      noVariable: true,
      json: { type: 'object', maxProperties: maxAttributes, propertyNames: { pattern: attributeName.source }, additionalProperties: { type: 'string', pattern: '\\S', maxLength: maxPattern } },
      ...spec,
    },
    readAttributes,
  );
