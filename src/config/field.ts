import { z } from 'zod';
import { BridgeError } from '../errors.js';

/** What the documentation, the example file and the loader know about one key beside its type. */
export interface FieldSpec {
  readonly description: string;
  /** What the value looks like, for the table: `duration`, `1 … 10`. */
  readonly form?: string;
  /** Written into the example file as a live line; for a key that may come from a file, the file's name. */
  readonly example?: string | number | boolean;
  /** Written into the example file behind `#` where there is no default. */
  readonly hint?: string;
  /** The default in words, where it depends on another key. */
  readonly defaultNote?: string;
  /** `${key}_file` may name a file that holds the value. */
  readonly file?: boolean;
  /** Never printed. */
  readonly secret?: boolean;
  /** A PEM text: taken from its file as it is, where other texts lose their line end. */
  readonly pem?: boolean;
  /** A path, resolved against the folder of the configuration file. */
  readonly path?: boolean;
  /** A list or a mapping, which no environment variable can hold. */
  readonly noVariable?: boolean;
  /** A section that may be written as this one word. */
  readonly word?: string;
  /** Why a value that is right in itself cannot be used at this time: an expired certificate. Gives undefined for a value that is wrong. */
  readonly outdated?: (value: unknown) => string | undefined;
  /** The value as JSON Schema (2020-12) sees it; a description here replaces the one above. */
  readonly json?: JsonPart;
}

/** Keywords of JSON Schema. */
export type JsonPart = Readonly<Record<string, unknown>>;

export const fieldSpecs = z.registry<FieldSpec>();

/** Behind what a missing value is told with, where it may also stand in a file. */
export const orItsFile = ', or its _file';

/** Most entries of any list. */
export const maxEntries = 1_000;
const tooManyEntries = `must have at most ${maxEntries} entries`;

/** The error that a reader of a value throws; its text follows the path, so it starts with a verb. */
export const wrong = (detail: string): never => {
  throw new BridgeError('config_invalid', { detail });
};

const report = (error: unknown, ctx: z.RefinementCtx): void => {
  if (!(error instanceof BridgeError)) throw error;
  ctx.addIssue({ code: 'custom', message: error.detail ?? error.message });
};

/**
 * One key: `read` turns what stands in the file (or came as text from the environment) into the value, or throws BridgeError
 * config_invalid. Zod's own scalar types are not used, because `${VAR}` makes texts of numbers, and their messages quote values.
 */
export const field = <T>(spec: FieldSpec, read: (value: unknown) => T) =>
  z
    .unknown()
    .transform((value, ctx): T => {
      try {
        return read(value === undefined ? wrong(spec.file === true ? `is required${orItsFile}` : 'is required') : value);
      } catch (error) {
        report(error, ctx);
        return z.NEVER;
      }
    })
    .register(fieldSpecs, spec);

const shapeError = (what: string, missing = 'is required') => (issue: { readonly input?: unknown }): string => (issue.input === undefined ? missing : `must be ${what}`);

/** Keys under one key; `missing` is what is told when the whole section is absent and needed. */
export const section = <Shape extends z.ZodRawShape>(description: string, shape: Shape, missing?: string) =>
  z.strictObject(shape, { error: shapeError('a mapping of keys to values', missing) }).register(fieldSpecs, { description });


/** A part of the configuration as a cross-check sees it: any value may be missing or still wrong. */
export type Loose = Readonly<Record<string, unknown>>;
export type Report = (path: (string | number)[], message: string) => void;

/** A check over several keys that also runs when some of them are wrong, so that all problems are told at once. */
export const crossCheck = <T>(check: (value: Loose, report: Report) => void): z.core.$ZodCheck<T> =>
  ({
    _zod: {
      def: { check: 'custom', when: () => true },
      onattach: [],
      check: ({ value, issues }: z.core.ParsePayload<unknown>) => {
        if (typeof value !== 'object' || value === null) return;
        check(value as Loose, (path, message) => issues.push({ code: 'custom', path, message, input: value }));
      },
    },
  });

const checkEntries = (entries: unknown, report: Report): void => {
  if (Array.isArray(entries) && entries.length > maxEntries) report([], tooManyEntries);
};

export const list = <Element extends z.ZodType>(description: string, element: Element) =>
  z.array(element, { error: shapeError('a list') }).check(crossCheck(checkEntries)).register(fieldSpecs, { description });

/** How the entries of a list are read and what they are, in the plural: `must be a list of networks`. */
export interface EntryKind<T> {
  readonly what: string;
  readonly read: (entry: unknown) => T;
  readonly json: JsonPart;
  /** Fewest entries; 0 when absent. */
  readonly min?: number;
}

const readEntry = <T>(read: (entry: unknown) => T, entry: unknown, index: number): T => {
  try {
    return read(entry);
  } catch (error) {
    return wrong(`entry ${index + 1} ${error instanceof BridgeError ? (error.detail ?? error.message) : String(error)}`);
  }
};

/** @throws BridgeError config_invalid, which tells the place of the wrong entry */
export const readEntries = <T>(entries: readonly unknown[], read: (entry: unknown) => T): T[] => entries.map((entry, index) => readEntry(read, entry, index));

/** A list of plain values under one key. */
export const listOf = <T>(spec: FieldSpec, { what, read, json, min = 0 }: EntryKind<T>) =>
  field({ form: `list of ${what}`, noVariable: true, json: { type: 'array', items: json, minItems: min, maxItems: maxEntries }, ...spec }, (value): T[] => {
    if (!Array.isArray(value)) return wrong(`must be a list of ${what}`);
    if (value.length < min) return wrong('must not be empty');
    return value.length > maxEntries ? wrong(tooManyEntries) : readEntries(value, read);
  });
