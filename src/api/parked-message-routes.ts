import type { FastifyInstance } from 'fastify';
import { BridgeError } from '../errors.js';
import { given } from '../given.js';
import type { BridgePorts } from './bridge-ports.js';
import type { NoteChange } from './caller.js';
import { parkedJson, parkedSchema } from './parked-message-answers.js';
import { choiceKeys, filterOf, parkedPage, seqOf, unknownParked, type ParkedChoice } from './parked-message-choice.js';
import { integer, nothing, object, page, pageQuery, query, text } from './schemas.js';

/** What the routes of parked messages work with. */
export interface ParkedMessageParts {
  readonly parked: BridgePorts['parked'];
  readonly note: NoteChange;
}

export const parkedMessageTags = ['parked messages'];
export const parkedMessageParams = object({ id: text('Id of the parked message.', { pattern: '^[0-9]{1,16}$', examples: ['7'] }) });
/** Most messages replayed or deleted by one request: each request is one transaction. */
export const mostChanged = 500;

const usualLimit = 50;
const mostListed = 500;
const [tags, params] = [parkedMessageTags, parkedMessageParams];

type ListQuery = ParkedChoice & { readonly limit?: number; readonly after?: string };

const listRoute = (app: FastifyInstance, { parked }: ParkedMessageParts): void => {
  app.route<{ Querystring: ListQuery }>({
    method: 'GET',
    url: '/parked-messages',
    config: { role: 'read' },
    schema: {
      tags,
      operationId: 'listParkedMessages',
      summary: 'List parked messages',
      description: 'Messages that were given up, oldest first, each with its reason. A page ends early where the payloads are long.',
      querystring: query({ ...choiceKeys, ...pageQuery(mostListed, usualLimit) }),
      response: { 200: page('parkedMessages', parkedSchema, 'The parked messages.') },
    },
    async handler({ query: { limit = usualLimit, after, ...choice } }) {
      const { records, next } = await parkedPage(parked, filterOf(choice), { limit, after: after === undefined ? -1 : seqOf(after, 'after') });
      return { parkedMessages: records.map(parkedJson), ...given({ next: next === undefined ? undefined : String(next) }) };
    },
  });
};

const showRoute = (app: FastifyInstance, { parked }: ParkedMessageParts): void => {
  app.route<{ Params: { id: string } }>({
    method: 'GET',
    url: '/parked-messages/:id',
    config: { role: 'read' },
    schema: { tags, operationId: 'getParkedMessage', summary: 'Show a parked message', description: 'With its payload.', params, response: { 200: { ...parkedSchema, description: 'The parked message.' } } },
    async handler(request) {
      const [record] = await parked.parkedAt([seqOf(request.params.id)]);
      if (record === undefined) throw unknownParked();
      return parkedJson(record);
    },
  });
};

const deleteRoute = (app: FastifyInstance, { parked, note }: ParkedMessageParts): void => {
  app.route<{ Params: { id: string } }>({
    method: 'DELETE',
    url: '/parked-messages/:id',
    config: { role: 'admin' },
    schema: { tags, operationId: 'deleteParkedMessage', summary: 'Delete a parked message', description: 'For good.', params, response: { 204: nothing('It is gone.') } },
    async handler(request, reply) {
      if ((await parked.discard([seqOf(request.params.id)])) === 0) throw unknownParked();
      await note(request, { action: 'delete', kind: 'parked message', id: request.params.id });
      return reply.code(204).send();
    },
  });
};

const deleteManyRoute = (app: FastifyInstance, { parked, note }: ParkedMessageParts): void => {
  app.route<{ Querystring: ParkedChoice & { readonly limit?: number } }>({
    method: 'DELETE',
    url: '/parked-messages',
    config: { role: 'admin' },
    schema: {
      tags,
      operationId: 'deleteParkedMessages',
      summary: 'Delete parked messages',
      description: `For good, up to ${mostChanged}, the oldest first; the same request again goes on while \`more\` is true. At least one key of the filter is needed.`,
      querystring: query({ ...choiceKeys, limit: integer(`At most so many; ${mostChanged} where it is absent.`, { minimum: 1, maximum: mostChanged, default: mostChanged }) }),
      response: { 200: object({ deleted: integer('How many there were.'), more: { type: 'boolean', description: 'Whether more of them are left.' } }, [], { description: 'They are gone.' }) },
    },
    async handler(request) {
      const { limit = mostChanged, ...choice } = request.query;
      const filter = filterOf(choice);
      if (Object.keys(filter).length === 0) throw new BridgeError('invalid_field', { detail: 'at least one of connection, networkServer, device and reason is needed' });
      const { records, next } = await parkedPage(parked, filter, { after: -1, limit });
      const deleted = await parked.discard(records.map(({ seq }) => seq));
      if (deleted > 0) await note(request, { action: 'delete', kind: 'parked message', id: `${deleted} messages`, changed: Object.keys(choice) });
      return { deleted, more: next !== undefined };
    },
  });
};

/** Parked messages: listed, shown, deleted. */
export const registerParkedMessageRoutes = (app: FastifyInstance, parts: ParkedMessageParts): void => {
  for (const route of [listRoute, showRoute, deleteRoute, deleteManyRoute]) route(app, parts);
};
