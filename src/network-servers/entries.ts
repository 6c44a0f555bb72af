/** An object of a document, as `Fields` has it. */
interface Read {
  readonly value: Readonly<Record<string, unknown>>;
}

/** What a network server may write for a value that it does not have. */
export const missing = (value: unknown): value is undefined | null | '' => value === undefined || value === null || value === '';

/** Several times as fast as a way over lists of entries. `__proto__` is a key like any other. */
export const set = <V>(object: Record<string, V>, key: string, value: V): void => {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  else object[key] = value;
};

/** Quicker than to list the keys. */
export const isEmpty = (object: object): boolean => {
  for (const _ in object) return false;
  return true;
};

const none: ReadonlySet<string> = new Set();

/** What comes from `JSON.parse` has no keys but its own; V8 reads them by their place when they are looped over so, without looking for each. */
const addAll = (to: Record<string, unknown>, from: object): void => {
  const values = from as Readonly<Record<string, unknown>>;
  for (const key in values) set(to, key, values[key]);
};

/** An object whose optional entries are put in one by one, where they are known: absent stays absent, and nothing is copied. */
export type Building<T> = { -readonly [K in keyof T]: T[K] };

/** A copy to which entries may be added. What begins with a spread (`{ ...one, more }`) takes V8 a microsecond and a new hidden class for each entry that follows. */
export const copyOf = <T extends object>(from: T): Building<T> => {
  const copy: Record<string, unknown> = {};
  addAll(copy, from);
  return copy as T;
};

/** The entries of both; those of the second count. */
export const merged = <A extends object, B extends object>(one: A, other: B): A & B => {
  const both: Record<string, unknown> = {};
  addAll(both, one);
  addAll(both, other);
  return both as A & B;
};

/** Adds the entries of an object that no reader used. */
export const addRest = (to: Record<string, unknown>, { value: values }: Read, used: ReadonlySet<string>, alsoUsed: ReadonlySet<string> = none): void => {
  for (const key in values) {
    const value = values[key];
    if (!missing(value) && !used.has(key) && !alsoUsed.has(key)) set(to, key, value);
  }
};

/** The entries of an object that no reader used, or undefined when none is left: what goes into `native`. */
export const restOf = (fields: Read, used: ReadonlySet<string>): Record<string, unknown> | undefined => {
  const rest: Record<string, unknown> = {};
  addRest(rest, fields, used);
  return isEmpty(rest) ? undefined : rest;
};

type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Leaves out the keys whose value is undefined, so that absent stays absent. What has none comes back as it is. */
export const present = <T extends object>(object: T): Present<T> => {
  const values = object as Record<string, unknown>;
  for (const key in values) if (values[key] === undefined) return definedOf(values) as Present<T>;
  return object as Present<T>;
};

const definedOf = (values: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const defined: Record<string, unknown> = {};
  for (const key in values) {
    const value = values[key];
    if (value !== undefined) set(defined, key, value);
  }
  return defined;
};
