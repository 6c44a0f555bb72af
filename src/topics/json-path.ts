import { BridgeError } from '../errors.js';

/**
 * A small part of JSONPath (RFC 9535), compiled once: `$`, `.name`, `['name']`, `[0]`, `.*`, `[*]`, and each of them after `..`.
 * Filters, slices and lists of selectors are refused when the configuration loads.
 */
export interface JsonPath {
  readonly source: string;
  /** The first text, number or boolean that the path leads to, as text; undefined when there is none. */
  first(document: unknown): string | undefined;
}

interface Step {
  /** After `..`: the selector is tried on the value itself and on everything below it. */
  readonly deep: boolean;
  readonly select: (value: object) => unknown[];
}

/** How far `..` looks down; a body nested deeper was written to exhaust the stack. */
const maxDepth = 64;

const scalarText = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
};

const selectName = (name: string) => (value: object): unknown[] => (!Array.isArray(value) && Object.hasOwn(value, name) ? [(value as Record<string, unknown>)[name]] : []);
const selectIndex = (index: number) => (value: object): unknown[] => (Array.isArray(value) && index < value.length ? [value[index]] : []);
const selectAll = (value: object): unknown[] => Object.values(value);

/** Depth first, in document order: what is nearer the root comes before what is below it. */
const firstAt = (value: unknown, steps: readonly Step[], at: number, depth: number): string | undefined => {
  const step = steps[at];
  if (step === undefined) return scalarText(value);
  if (typeof value !== 'object' || value === null || depth > maxDepth) return undefined;
  for (const child of step.select(value)) {
    const found = firstAt(child, steps, at + 1, depth + 1);
    if (found !== undefined) return found;
  }
  if (!step.deep) return undefined;
  for (const child of Object.values(value)) {
    const found = firstAt(child, steps, at, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
};

const stepPattern = /(\.\.|\.)?(?:\[(?:'([^']+)'|"([^"]+)"|(\d{1,6})|(\*))\]|([\p{L}_][\p{L}\p{N}_-]*)|(\*))/uy;

const stepOf = (match: RegExpExecArray): Step | undefined => {
  const [, dots, single, double, index, anyInBrackets, name, any] = match;
  const bracket = name === undefined && any === undefined;
  if (bracket ? dots === '.' : dots === undefined) return undefined;
  const deep = dots === '..';
  if (index !== undefined) return { deep, select: selectIndex(Number(index)) };
  if (anyInBrackets !== undefined || any !== undefined) return { deep, select: selectAll };
  return { deep, select: selectName(single ?? double ?? name ?? '') };
};

const problemAt = (rest: string): string => {
  if (/^(\.\.)?\[\?/.test(rest)) return 'filters [?…] are not supported';
  if (/^(\.\.)?\[[^\]]*[:,]/.test(rest)) return 'slices and lists of selectors are not supported';
  return `cannot be read at "${rest}"`;
};

/** @throws BridgeError config_invalid, whose detail tells what is not supported */
export const compileJsonPath = (source: string): JsonPath => {
  const steps: Step[] = [];
  let at = 1;
  while (at < source.length) {
    stepPattern.lastIndex = at;
    const match = stepPattern.exec(source);
    const step = match === null ? undefined : stepOf(match);
    if (match === null || step === undefined) throw new BridgeError('config_invalid', { detail: `JSONPath ${source}: ${problemAt(source.slice(at))}` });
    steps.push(step);
    at = stepPattern.lastIndex;
  }
  if (steps.length === 0) throw new BridgeError('config_invalid', { detail: `JSONPath ${source}: names no value` });
  return { source, first: (document) => firstAt(document, steps, 0, 0) };
};
