import { z } from 'zod';
import { fieldSpecs, type FieldSpec } from './field.js';

/**
 * The schema as the loader and the documentation read it: sections, lists and single keys, without the wrappers that
 * Zod puts around them. The only file that knows Zod's own structure.
 */
export type SchemaNode = SectionNode | ListNode | FieldNode;

interface NodeBasics {
  readonly spec: FieldSpec;
  readonly required: boolean;
  /** As it would stand in the file; undefined where there is none. */
  readonly default: unknown;
}
export interface SectionNode extends NodeBasics {
  readonly kind: 'section';
  readonly keys: ReadonlyMap<string, SchemaNode>;
  /** What is done to the section's value before its keys are read: `none` becomes a mapping. */
  readonly before: (value: unknown) => unknown;
}
export interface ListNode extends NodeBasics {
  readonly kind: 'list';
  readonly element: SchemaNode;
}
export interface FieldNode extends NodeBasics {
  readonly kind: 'field';
}

type Schema = z.core.$ZodType;

const nodeIn = (schema: Schema, basics: NodeBasics): SchemaNode => {
  if (schema instanceof z.ZodObject) {
    const keys = Object.entries(schema.shape as Record<string, Schema>).map(([key, value]) => [key, nodeOf(value)] as const);
    return { kind: 'section', ...basics, keys: new Map(keys), before: (value) => value };
  }
  if (schema instanceof z.ZodArray) return { kind: 'list', ...basics, element: nodeOf(schema.element) };
  return { kind: 'field', ...basics };
};

/** Unwraps from outside in; an outer wrapper's default and optionality win. */
export const nodeOf = (schema: Schema): SchemaNode => {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodExactOptional) return { ...nodeOf(schema.def.innerType), required: false };
  if (schema instanceof z.ZodPrefault) return { ...nodeOf(schema.def.innerType), required: false, default: schema.def.defaultValue };
  if (schema instanceof z.ZodPipe && schema.def.in instanceof z.ZodTransform) {
    const { transform } = schema.def.in.def;
    const inner = { ...nodeOf(schema.def.out), spec: fieldSpecs.get(schema) ?? nodeOf(schema.def.out).spec };
    return inner.kind === 'section' ? { ...inner, before: (value) => transform(value, undefined as never) } : inner;
  }
  return nodeIn(schema, { spec: fieldSpecs.get(schema) ?? { description: '' }, required: true, default: undefined });
};
