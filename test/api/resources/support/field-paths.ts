import type { SchemaNode } from '../../../../src/config/schema-node.js';
import type { Document } from './documents.js';

export interface FieldPath {
  /** `alarms[0].startTime` */
  readonly path: string;
  readonly kind: SchemaNode['kind'];
  readonly required: boolean;
}

/** Every key of a resource, with one entry for each list. */
export const fieldPaths = (node: SchemaNode, path = ''): FieldPath[] => {
  const own = path === '' ? [] : [{ path, kind: node.kind, required: node.required }];
  if (node.kind === 'section') return [...own, ...[...node.keys].flatMap(([key, child]) => fieldPaths(child, path === '' ? key : `${path}.${key}`))];
  return node.kind === 'list' ? [...own, ...fieldPaths(node.element, `${path}[0]`)] : own;
};

const partsOf = (path: string): (string | number)[] => path.split('.').flatMap((part) => (part.endsWith('[0]') ? [part.slice(0, -3), 0] : [part]));

const setIn = (target: unknown, [part, ...rest]: readonly (string | number)[], value: unknown): unknown => {
  if (part === undefined) return value;
  if (typeof part === 'number') return [setIn(Array.isArray(target) ? (target[0] as unknown) : undefined, rest, value)];
  const entries = typeof target === 'object' && target !== null && !Array.isArray(target) ? (target as Document) : {};
  return { ...entries, [part]: setIn(entries[part], rest, value) };
};

/** A document with one value put at a path; `undefined` leaves the key out of the JSON. */
export const withValue = (document: Document, path: string, value: unknown): Document => setIn(document, partsOf(path), value) as Document;
