import { BridgeError, fieldError } from '../../errors.js';
import { bodyText, jsonValue } from '../body-text.js';
import { merged } from '../entries.js';
import { rootFields } from '../fields.js';
import type { NetworkServerSettings, WebhookRequest } from '../network-server.js';
import { createVariables, type Values, type Variables } from './variables.js';

/** One callback of a device; a batch request has one for each line. */
export interface SigfoxCallback {
  readonly variables: Variables;
  /** The line of a batch, as received. */
  readonly line?: string;
}

/** Keys of one callback from a form body or a query; templates often end in a line break, which is part of no value. */
const formValues = (text: string): Values => Object.fromEntries(new URLSearchParams(text.trim()));

/** `key => value`, `key = value` or `key: value`: the separators that templates in text/plain use. */
const textLine = (line: string): [string, string] | undefined => {
  const match = /^\s*([\w.#-]+)\s*(?:=>|[=:])/.exec(line);
  return match === null ? undefined : [match[1] ?? '', line.slice(match[0].length).trim()];
};

/** A text body has no form of its own: JSON text, a batch, or a key and its value on each line; other lines are decoration. */
const textValues = (text: string): Values => {
  if (text.trimStart().startsWith('{')) return rootFields(jsonValue(text)).value;
  const batch = /^\s*batch\s*=/.exec(text);
  if (batch !== null) return { batch: text.slice(batch[0].length) };
  const entries = text.split(/\r?\n/).flatMap((line) => {
    const entry = textLine(line);
    return entry === undefined ? [] : [entry];
  });
  if (entries.length === 0 && text.trim() !== '') throw new BridgeError('malformed_body', { detail: 'the text has no line such as "device => 1A2B"' });
  return Object.fromEntries(entries);
};

const bodyValues = (request: WebhookRequest): Values => {
  if (request.body.length === 0) return {};
  const text = bodyText(request.body);
  switch (request.mediaType) {
    case 'application/json':
      return rootFields(jsonValue(text)).value;
    case 'text/plain':
      return textValues(text);
    default:
      return formValues(text);
  }
};

const patternKeys = (pattern: string): string[] => pattern.split(';').map((part) => part.trim().replace(/^\{(.*)\}$/, '$1'));

/** The lines of a batch; what the query says beside it holds for each of them. */
const batchCallbacks = (batch: unknown, others: Values, settings: NetworkServerSettings): SigfoxCallback[] => {
  if (settings.batchPattern === undefined) throw fieldError('batch', 'needs the setting batchPattern, which names the variables of a line');
  if (typeof batch !== 'string') throw fieldError('batch', 'must be text');
  const keys = patternKeys(settings.batchPattern);
  const lines = batch.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length === 0) throw fieldError('batch', 'has no lines');
  return lines.map((line, index) => {
    const path = `batch[${index}]`;
    const parts = line.split(';');
    if (parts.length !== keys.length) throw fieldError(path, `must have ${keys.length} values between ";"`);
    const values = { ...others, ...Object.fromEntries(keys.map((key, position) => [key, parts[position]?.trim()])) };
    return { variables: createVariables(values, settings, path), line };
  });
};

/**
 * Reads a callback from the query and the body, which the customer's template may share out between them in any way; of a key in
 * both the body's value counts. @throws malformed_body; invalid_field for a batch that does not fit its pattern
 */
export const readSigfox = (request: WebhookRequest, settings: NetworkServerSettings): SigfoxCallback[] => {
  const values = merged(formValues(request.rawQuery), bodyValues(request));
  if (!('batch' in values)) return [{ variables: createVariables(values, settings) }];
  const { batch, ...others } = values;
  return batchCallbacks(batch, others, settings);
};
