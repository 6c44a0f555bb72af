import type { FastifyInstance } from 'fastify';
import type { ResourceKind } from '../../ports.js';
import { nothing, page, pageQuery, query, text } from '../../schemas.js';
import type { RemoveOptions } from '../change-plans.js';
import { kindRows } from '../kinds.js';
import type { ResourceFilter } from '../list-resources.js';
import { changeOptions, dryRun, etagHeader, ifMatchHeader, paramsOf, refusals, type ById, type ChangeQuery, type CrudOptions } from './crud-options.js';
import { registerSaveRoutes } from './save-routes.js';

type ListQuery = ResourceFilter & { readonly limit?: number; readonly after?: string };

const mostEntries = 200;
const usualEntries = 50;

const registerList = <K extends ResourceKind>(app: FastifyInstance, { kind, resources, words, names, show, answer, filters }: CrudOptions<K>, tags: string[]): void => {
  const querystring = query({
    search: text('Part of the id or the name, in either case.', { minLength: 1, maxLength: 200, examples: ['a'] }),
    origin: text('Where it comes from.', { enum: ['file', 'api'], examples: ['api'] }),
    ...filters,
    ...pageQuery(mostEntries, usualEntries),
  });
  app.route<{ Querystring: ListQuery }>({
    method: 'GET',
    url: kindRows[kind].path,
    config: { role: 'read' },
    schema: {
      tags,
      operationId: `list${names.operation}s`,
      summary: `List ${words.many}`,
      description: 'Those of the configuration file and those made here, in the order of their ids.',
      querystring,
      response: { 200: page(names.list, answer(`One of the ${words.many}.`), `The ${words.many}.`) },
    },
    async handler({ query: { limit = usualEntries, after, ...filter } }) {
      const { entries, next } = resources.list(kind, { filter, page: { limit, ...(after === undefined ? {} : { after }) } });
      return { [names.list]: entries.map(show), ...(next === undefined ? {} : { next }) };
    },
  });
};

const registerShow = <K extends ResourceKind>(app: FastifyInstance, { kind, resources, words, names, show, answer }: CrudOptions<K>, tags: string[]): void => {
  app.route<{ Params: ById }>({
    method: 'GET',
    url: `${kindRows[kind].path}/:id`,
    config: { role: 'read' },
    schema: {
      tags,
      operationId: `get${names.operation}`,
      summary: `Show a ${words.one}`,
      description: 'As it was given, with its secrets masked, and what it does now.',
      params: paramsOf(kind),
      response: { 200: { ...answer('As it is now.'), headers: etagHeader } },
    },
    async handler({ params: { id } }, reply) {
      const view = resources.get(kind, id);
      return reply.header('etag', `"${view.revision}"`).send(show(view));
    },
  });
};

const registerRemove = <K extends ResourceKind>(app: FastifyInstance, { kind, resources, words, names, removal }: CrudOptions<K>, tags: string[]): void => {
  app.route<{ Params: ById; Querystring: ChangeQuery & Pick<RemoveOptions, 'backlog'> }>({
    method: 'DELETE',
    url: `${kindRows[kind].path}/:id`,
    config: { role: 'admin' },
    schema: {
      tags,
      operationId: `delete${names.operation}`,
      summary: `Delete a ${words.one}`,
      description: 'Refused while others use it.',
      params: paramsOf(kind),
      headers: ifMatchHeader,
      querystring: query({ dryRun, ...removal }),
      response: { 204: nothing('It is gone; with `dryRun` it could be deleted.'), ...refusals },
    },
    async handler(request, reply) {
      const { backlog } = request.query;
      await resources.remove(kind, request.params.id, { ...changeOptions(request, request.query), ...(backlog === undefined ? {} : { backlog }) });
      return reply.code(204).send();
    },
  });
};

/** POST, GET, PUT, PATCH and DELETE of one kind. */
export const registerCrudRoutes = <K extends ResourceKind>(app: FastifyInstance, options: CrudOptions<K>): void => {
  const tags = [options.words.many];
  registerList(app, options, tags);
  registerSaveRoutes(app, options, tags);
  registerShow(app, options, tags);
  registerRemove(app, options, tags);
};
