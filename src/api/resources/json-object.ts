import type { Json, JsonObject } from '../ports.js';
import { ResourceError } from './resource-error.js';

/** A resource has five levels; nothing that goes deeper can be one, and walking it could exhaust the stack. */
const deepest = 16;
/** A resource has some hundred keys. Each unknown one is compared with the known ones, so their number has a bound. */
const mostKeys = 2_000;

export const isJsonObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

const childrenOf = (value: unknown): unknown[] => (typeof value === 'object' && value !== null ? Object.values(value) : []);

const depthProblem = (document: unknown): string | undefined => {
  let level: unknown[] = [document];
  let keys = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) return 'is nested too deeply';
    keys += level.reduce<number>((sum, value) => sum + (isJsonObject(value) ? Object.keys(value).length : 0), 0);
    if (keys > mostKeys) return 'has too many keys';
    level = level.flatMap(childrenOf);
  }
  return undefined;
};

/** @throws ResourceError when a body is no JSON object, or none that is reasonable */
export const readJsonObject = (body: unknown): JsonObject => {
  if (!isJsonObject(body)) throw new ResourceError([{ path: 'body', message: 'must be a JSON object' }]);
  const problem = depthProblem(body);
  if (problem !== undefined) throw new ResourceError([{ path: 'body', message: problem }]);
  return body;
};

/** Keys without a value count as absent, as in the configuration file. */
export const withoutNulls = (value: Json): Json => {
  if (Array.isArray(value)) return value.map((entry: Json) => withoutNulls(entry));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== null).map(([key, entry]) => [key, withoutNulls(entry)]));
};

/** JSON Merge Patch (RFC 7396, section 2). */
export const mergePatch = (target: Json | undefined, patch: Json): Json => {
  if (!isJsonObject(patch)) return patch;
  const merged = new Map<string, Json>(isJsonObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged);
};

/** The same text for the same value, whatever the order of its keys. */
export const canonicalText = (value: Json): string => {
  if (Array.isArray(value)) return `[${value.map((entry: Json) => canonicalText(entry)).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${canonicalText(entry)}`).join(',')}}`;
};

/** Paths of the keys whose values differ, `configuration.region`; a list counts as one value. */
export const changedPaths = (before: Json | undefined, after: Json | undefined, path = ''): string[] => {
  if (isJsonObject(before ?? {}) && isJsonObject(after ?? {}) && (before !== undefined || after !== undefined)) {
    const [old, now] = [(before ?? {}) as JsonObject, (after ?? {}) as JsonObject];
    const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])];
    if (keys.length > 0) return keys.flatMap((key) => changedPaths(old[key], now[key], path === '' ? key : `${path}.${key}`));
  }
  const same = before !== undefined && after !== undefined ? canonicalText(before) === canonicalText(after) : before === after;
  return same ? [] : [path];
};
