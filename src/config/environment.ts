import { didYouMean } from './nearest.js';
import type { Problem } from './problem.js';
import type { SchemaNode } from './schema-node.js';

export const environmentPrefix = 'LPWAN_';

const upperSnake = (key: string): string => key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/-/g, '_').toUpperCase();

/** `['ingress', 'bodyLimit']` as `LPWAN_INGRESS_BODY_LIMIT`. */
export const environmentName = (path: readonly string[]): string => environmentPrefix + path.map(upperSnake).join('_');

/** The keys that the environment can set: every single value that stands in no list, and the `_file` beside it. */
export const environmentKeys = (root: SchemaNode): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, readonly string[]>();
  const walk = (node: SchemaNode, path: readonly string[]): void => {
    if (node.kind === 'section') for (const [key, child] of node.keys) walk(child, [...path, key]);
    if (node.kind !== 'field' || node.spec.noVariable === true) return;
    found.set(environmentName(path), path);
    if (node.spec.file === true) found.set(`${environmentName(path)}_FILE`, [...path.slice(0, -1), `${path.at(-1) ?? ''}_file`]);
  };
  walk(root, []);
  return found;
};

/** The same key given the other way: what the environment says replaces both. */
const siblingOf = (key: string): string => (key.endsWith('_file') ? key.slice(0, -'_file'.length) : `${key}_file`);

const setAt = (tree: unknown, path: readonly string[], value: string): unknown => {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  // Something that is no mapping is left for the schema to refuse.
  if (tree !== undefined && tree !== null && (typeof tree !== 'object' || Array.isArray(tree))) return tree;
  const entries = Object.entries(tree ?? {}).filter(([name]) => rest.length > 0 || name !== siblingOf(key));
  const copy: Record<string, unknown> = Object.fromEntries(entries);
  return { ...copy, [key]: setAt(copy[key], rest, value) };
};

/** The one variable without the prefix: everybody's name for the address of Redis. */
const withRedisUrl = (env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string | undefined>> => {
  const { REDIS_URL: url } = env;
  return url === undefined || url === '' ? env : { LPWAN_REDIS_URL: url, ...env };
};

/** Lays the `LPWAN_*` variables over the file. An empty one counts as not set; an unknown one is a problem, because it is a misspelling. */
export const applyEnvironment = (tree: unknown, env: Readonly<Record<string, string | undefined>>, root: SchemaNode, problems: Problem[]): unknown => {
  const keys = environmentKeys(root);
  return Object.entries(withRedisUrl(env)).reduce((merged, [name, value]) => {
    if (!name.startsWith(environmentPrefix) || value === undefined || value === '') return merged;
    const path = keys.get(name);
    if (path !== undefined) return setAt(merged, path, value);
    problems.push({ path: name, message: `no such setting${didYouMean(name, keys.keys())}` });
    return merged;
  }, tree);
};
