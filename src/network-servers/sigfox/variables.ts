import { fieldError } from '../../errors.js';
import { embeddedJson } from '../body-text.js';
import { restOf } from '../entries.js';
import { instantOf, isObject, pathOf, textField, type Fields, type Instant } from '../fields.js';
import type { NetworkServerSettings } from '../network-server.js';

export type Values = Readonly<Record<string, unknown>>;

/** The variables of one callback, whatever the customer's template called them. */
export interface Variables {
  readonly fields: Fields;
  /** The key that holds a variable here; the key where it was looked for when none does. */
  readonly key: (name: string) => string;
  readonly value: (name: string) => unknown;
  readonly has: (name: string) => boolean;
  /** Everything that has a value and is none of these variables, under its own key. */
  readonly others: (used: readonly string[]) => Record<string, unknown> | undefined;
}

/** Further keys under which templates in use send a variable. */
const aliases: Readonly<Record<string, readonly string[]>> = {
  device: ['deviceId', 'id'],
  time: ['timestamp'],
  data: ['payload'],
  seqNumber: ['seq'],
};

/** What the backend puts in for a variable that has no value: nothing, `null`, `N/A`, or the variable itself unreplaced. */
const isAbsent = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && /^(null|n\/a|\{[A-Za-z][\w#.-]*\})?$/i.test(value.trim()));

/** Variables by their Sigfox names: the key that the settings name, else the variable's own name, else an alias. */
export const createVariables = (values: Values, settings: NetworkServerSettings, path = ''): Variables => {
  const fields: Fields = { path, value: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, isAbsent(value) ? '' : value])) };
  const key = (name: string): string => {
    const mapped = settings.fields?.[name];
    const candidates = [...(mapped === undefined ? [] : [mapped]), name, ...(aliases[name] ?? [])];
    return candidates.find((candidate) => Object.hasOwn(values, candidate)) ?? mapped ?? name;
  };
  return {
    fields,
    key,
    value: (name) => fields.value[key(name)],
    has: (name) => !isAbsent(fields.value[key(name)]),
    others: (used) => restOf(fields, new Set(used.map(key))),
  };
};

/** The Sigfox device id: hex, by the format up to 8 digits; the same text in lower case, leading zeros as sent. */
export const deviceId = ({ fields, key }: Variables, name = 'device', maxDigits = 16): string => {
  const text = textField(fields, key(name));
  if (text === undefined) throw fieldError(pathOf(fields, key(name)), 'is required');
  if (!/^[0-9a-fA-F]+$/.test(text) || text.length > maxDigits) throw fieldError(pathOf(fields, key(name)), `must be 1 to ${maxDigits} hexadecimal digits`);
  return text.toLowerCase();
};

/** `{time}` is epoch seconds; the messages API of Sigfox gives milliseconds, which are understood too. */
export const callbackTime = ({ fields, key }: Variables): Instant | undefined => {
  const text = textField(fields, key('time'));
  if (text === undefined) return undefined;
  if (/^\d{9,10}$/.test(text)) return instantOf(Number(text) * 1000);
  if (/^\d{12,13}$/.test(text)) return instantOf(Number(text));
  throw fieldError(pathOf(fields, key('time')), 'must be epoch seconds (or milliseconds)');
};

/** A variable that is an object, put into the template as JSON or as JSON inside text. */
export const embeddedFields = (variables: Variables, name: string): Fields | undefined => {
  if (!variables.has(name)) return undefined;
  const path = pathOf(variables.fields, variables.key(name));
  const value = embeddedJson(variables.value(name));
  if (!isObject(value)) throw fieldError(path, 'must be an object');
  return { path, value };
};
