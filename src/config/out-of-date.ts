import { pathText, type KeyPath, type Problem } from './problem.js';
import type { SchemaNode } from './schema-node.js';

/** The values of a prepared tree that could be used at another time only: expired certificates. */
export const outOfDate = (node: SchemaNode, value: unknown, path: KeyPath = []): Problem[] => {
  if (value === undefined || value === null) return [];
  if (node.kind === 'list') return Array.isArray(value) ? value.flatMap((entry: unknown, index) => outOfDate(node.element, entry, [...path, index])) : [];
  if (node.kind === 'section') {
    const entries = typeof value === 'object' ? (value as Readonly<Record<string, unknown>>) : {};
    return [...node.keys].flatMap(([key, child]) => outOfDate(child, entries[key], [...path, key]));
  }
  const message = node.spec.outdated?.(value);
  return message === undefined ? [] : [{ path: pathText(path), message }];
};
