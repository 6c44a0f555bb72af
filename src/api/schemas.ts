import { reasons } from '../errors.js';
import { messageTypes } from '../messages/message.js';
import type { JsonObject } from './ports.js';

/** A JSON Schema (2020-12) as OpenAPI 3.1 embeds it. */
export type Schema = JsonObject;

/** Keys of an object that are all there, but those in `optional`. */
export const object = (properties: Record<string, Schema>, optional: readonly string[] = [], more: JsonObject = {}): Schema => ({
  type: 'object',
  required: Object.keys(properties).filter((key) => !optional.includes(key)),
  properties,
  ...more,
});

export const text = (description: string, more: JsonObject = {}): Schema => ({ type: 'string', description, ...more });
export const integer = (description: string, more: JsonObject = {}): Schema => ({ type: 'integer', description, ...more });
export const listOf = (items: Schema, description: string, more: JsonObject = {}): Schema => ({ type: 'array', items, description, ...more });
export const time = (description: string): Schema => text(description, { format: 'date-time' });

/** An id in a query or a path. */
export const id = (description: string, example: string): Schema => text(description, { minLength: 1, maxLength: 128, examples: [example] });

const reasonText: Schema = text('One of the failure reasons, the same as in logs and metrics.', { enum: Object.keys(reasons) });
/** A reason in an answer; the document lists them once. */
export const reason: Schema = { $ref: 'Reason#' };
/** A reason in a query, with an example where there is one that fits. */
export const reasonQuery = (description: string, example?: string): Schema => ({ ...reasonText, description, ...(example === undefined ? {} : { examples: [example] }) });
export const messageType: Schema = text('Type of the message.', { enum: [...messageTypes] });
export const downlinkState: Schema = text('Where the downlink stands.', { enum: ['queued', 'submitted', 'sent', 'acknowledged', 'failed', 'expired', 'rejected'] });
export const role: Schema = text('`read` looks; `operate` also sends downlinks, replays parked messages and runs checks; `admin` also changes resources and tokens.', { enum: ['read', 'operate', 'admin'] });

/** Why a downlink is in its state. */
export const cause: Schema = object(
  { code: text("The network server's own code, or a reason of the bridge."), text: text('In words.') },
  ['code', 'text'],
  { description: 'Why it is so.' },
);

/** Query keys of every list. */
export const pageQuery = (most: number, usual: number): Record<string, Schema> => ({
  limit: integer(`At most so many; ${usual} where it is absent.`, { minimum: 1, maximum: most, default: usual, examples: [usual] }),
  after: text('Where the page begins: `next` of the page before.', { minLength: 1, maxLength: 512 }),
});

/** A query; a key that it does not know is an error, because a misspelt filter would mean everything. */
export const query = (properties: Record<string, Schema>): Schema => ({ type: 'object', additionalProperties: false, properties });

/** A page of a list under its own name. */
export const page = (name: string, entry: Schema, description: string): Schema =>
  object({ [name]: listOf(entry, description), next: text('Send it as `after` to get the next page; absent on the last one.') }, ['next'], { description: 'A page of the list.' });

/** The schemas that the document names once, under `#/components/schemas/`. */
export const sharedSchemas: readonly Schema[] = [
  { $id: 'Reason', ...reasonText },
  {
    $id: 'Problem',
    ...object(
      {
        type: text('`urn:lpwan-aws-bridge:reason:` and the reason.'),
        title: text('What kind of failure it is.'),
        status: integer('The HTTP status.'),
        detail: text('What exactly is wrong.'),
        reason,
        field: text("Path of the wrong field in the caller's own document."),
        errors: listOf(object({ path: text('Path of the wrong field.'), message: text('What is wrong with it.') }), 'Every wrong field.'),
        instance: text('The request, as the log names it.'),
      },
      ['field', 'errors'],
    ),
    description: 'Problem details (RFC 9457).',
  },
];

/** A problem answer, as a route lists it under a status. */
export const problem = (description: string): Schema => ({ description, content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } } });

/** An answer without a body. */
export const nothing = (description: string): Schema => ({ type: 'null', description });
