import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { didYouMean } from './nearest.js';
import { pathText, type KeyPath, type Problem } from './problem.js';
import { maxEntries, type FieldSpec } from './field.js';
import type { ListNode, SchemaNode, SectionNode } from './schema-node.js';

export interface PrepareContext {
  /** Relative paths are resolved against it. */
  readonly folder: string;
  readonly problems: Problem[];
  /** Path of a key to the file that its value came from. */
  readonly files: Map<string, string>;
  /** False: keys with `_file` are unknown, because who wrote the document is not who owns the files. */
  readonly readFiles?: boolean;
}

const isMapping = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

const causeOf = (error: unknown): string => {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'the file does not exist';
  if (code === 'EACCES' || code === 'EPERM') return 'the file may not be read';
  return code === 'EISDIR' ? 'is a folder' : `cannot be read (${code ?? 'unknown error'})`;
};

const readValue = (name: unknown, spec: FieldSpec, path: KeyPath, context: PrepareContext): string | undefined => {
  const problem = (message: string): undefined => void context.problems.push({ path: `${pathText(path)}_file`, message });
  if (typeof name !== 'string' || name === '') return problem('must be the name of a file');
  const file = resolve(context.folder, name);
  try {
    const text = readFileSync(file, 'utf8');
    context.files.set(pathText(path), file);
    return spec.pem === true ? text : text.replace(/\r?\n$/, '');
  } catch (error) {
    return problem(`${causeOf(error)}: ${file}`);
  }
};

/** Stands for a value whose file could not be read: the problem is told, so the key must not be called missing too. */
export const unreadable = Symbol('unreadable');

const prepareKey = (node: SchemaNode, key: string, entries: Readonly<Record<string, unknown>>, at: { readonly path: KeyPath; readonly context: PrepareContext }): unknown => {
  const { path, context } = at;
  const name = node.spec.file === true && context.readFiles !== false ? entries[`${key}_file`] : undefined;
  const given = entries[key];
  if (name === undefined || name === null) {
    const value = given ?? (node.spec.path === true ? node.default : undefined);
    return prepare(node, value, path, context);
  }
  if (given !== undefined && given !== null) {
    context.problems.push({ path: pathText(path), message: `is given twice: as ${key} and as ${key}_file` });
    return unreadable;
  }
  return readValue(name, node.spec, path, context) ?? unreadable;
};

const knownKeys = (node: SectionNode, { readFiles }: PrepareContext): string[] => [...node.keys].flatMap(([key, child]) => (child.spec.file === true && readFiles !== false ? [key, `${key}_file`] : [key]));

/** A document that somebody sends may hold any number of them, and each is compared with every known name. */
const mostTold = 100;

/** What a key is called where files may be named, told to who may not. */
const instead = (node: SectionNode, key: string, known: readonly string[]): string => {
  const plain = key.replace(/_file$/, '');
  return plain !== key && node.keys.get(plain)?.spec.file === true ? `; only the configuration file may name files: give ${plain} itself` : didYouMean(key, known);
};

const reportUnknown = (node: SectionNode, entries: object, path: KeyPath, context: PrepareContext): void => {
  const known = knownKeys(node, context);
  const unknown = Object.keys(entries).filter((key) => !known.includes(key));
  for (const key of unknown.slice(0, mostTold)) {
    context.problems.push({ path: pathText([...path, key]), message: `unknown key${instead(node, key, known)}` });
  }
};

const prepareSection = (node: SectionNode, value: unknown, path: KeyPath, context: PrepareContext): unknown => {
  const entries = node.before(value);
  if (!isMapping(entries)) return entries;
  reportUnknown(node, entries, path, context);
  const prepared = [...node.keys].map(([key, child]) => [key, prepareKey(child, key, entries, { path: [...path, key], context })] as const);
  return Object.fromEntries(prepared.filter(([, one]) => one !== undefined && one !== null));
};

/** One entry more than there may be is enough for the schema to refuse the list. */
const prepareList = (node: ListNode, value: unknown, path: KeyPath, context: PrepareContext): unknown =>
  Array.isArray(value) ? value.slice(0, maxEntries + 1).map((entry: unknown, index) => prepare(node.element, entry, [...path, index], context) ?? null) : value;

/**
 * Makes the tree ready for the schema: keys without a value count as absent, unknown keys are reported and dropped, `*_file`
 * is read into its key, paths are resolved.
 */
export const prepare = (node: SchemaNode, value: unknown, path: KeyPath, context: PrepareContext): unknown => {
  if (value === undefined || value === null) return undefined;
  if (node.kind === 'section') return prepareSection(node, value, path, context);
  if (node.kind === 'list') return prepareList(node, value, path, context);
  return node.spec.path === true && typeof value === 'string' ? resolve(context.folder, value) : value;
};
