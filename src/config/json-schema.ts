import { parse } from 'yaml';
import { maxEntries, type JsonPart } from './field.js';
import type { FieldNode, ListNode, SchemaNode, SectionNode } from './schema-node.js';

/** Hints are YAML as they stand; what names a variable, a file or a secret is no example of a value. */
const exampleOf = ({ spec }: FieldNode): unknown => {
  if (spec.pem === true || spec.secret === true) return undefined;
  const value: unknown = spec.example ?? (spec.hint === undefined ? undefined : parse(spec.hint));
  return typeof value === 'string' && /\$\{|</.test(value) ? undefined : value;
};

const fieldSchema = (node: FieldNode): JsonPart => {
  const { spec, default: fallback } = node;
  const example = exampleOf(node);
  return {
    description: spec.description,
    ...spec.json,
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(example === undefined ? {} : { examples: [example] }),
    ...(spec.secret === true ? { writeOnly: true } : {}),
  };
};

const listSchema = ({ spec, element, default: fallback }: ListNode): JsonPart => ({
  description: spec.description,
  type: 'array',
  items: schemaOf(element),
  maxItems: maxEntries,
  ...(fallback === undefined ? {} : { default: fallback }),
});

/** A default in words means that the key may be left out, though Zod has it from what stands before it. */
const isRequired = ({ required, spec }: SchemaNode): boolean => required && spec.defaultNote === undefined;

const sectionSchema = ({ spec, keys }: SectionNode): JsonPart => {
  const required = [...keys].flatMap(([key, child]) => (isRequired(child) ? [key] : []));
  const mapping = {
    type: 'object',
    properties: Object.fromEntries([...keys].map(([key, child]) => [key, schemaOf(child)])),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
  return { description: spec.description, ...(spec.word === undefined ? mapping : { anyOf: [{ type: 'string', const: spec.word }, mapping] }) };
};

const schemaOf = (node: SchemaNode): JsonPart => {
  if (node.kind === 'field') return fieldSchema(node);
  return node.kind === 'list' ? listSchema(node) : sectionSchema(node);
};

/**
 * JSON Schema (2020-12) of a part of the configuration. It says what can be said of one key alone; what holds between keys, and
 * what a pattern cannot tell (certificates, topic patterns), only the reader says. So the reader refuses all that it refuses, with two
 * exceptions that the reader is kind to: a key whose value is null counts as absent, and with `actility-aws-iot` one whose text is empty.
 */
export const jsonSchemaOf = (node: SchemaNode): JsonPart => schemaOf(node);
