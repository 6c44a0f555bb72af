import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ResourceKind } from '../../ports.js';
import { listOf, object, query, type Schema } from '../../schemas.js';
import type { ChangeOptions, Saved } from '../change-plans.js';
import { kindRows } from '../kinds.js';
import { checkedStepSchema } from './check-schema.js';
import { abortedWith, changeOptions, dryRun, etagHeader, ifMatchHeader, paramsOf, refusals, type ById, type ChangeQuery, type CrudOptions } from './crud-options.js';
import { fieldProblem, newDocumentSchema, wholeDocumentSchema } from './document-schema.js';

/** Longest document, bytes: its PEM texts may take 64 KB each. */
const bodyLimit = 524_288;

const dryRunAnswer: Schema = object(
  {
    valid: { type: 'boolean', description: 'Always true: a document that is not valid is answered with 400.' },
    ok: { type: 'boolean', description: 'Whether no step failed.' },
    steps: listOf(checkedStepSchema, 'What was tried, for a connection.'),
    warnings: listOf(fieldProblem, 'What is worth a look, though it is right.'),
  },
  [],
  { description: 'The dry run; nothing was saved.' },
);

const sendDryRun = async <K extends ResourceKind>(reply: FastifyReply, { config, warnings }: Saved<K>, tryOut: CrudOptions<K>['tryOut']) => {
  const steps = (await tryOut?.(config, abortedWith(reply))) ?? [];
  return reply.send({ valid: true, ok: steps.every(({ result }) => result !== 'failed'), steps, warnings });
};

type SaveRequest = FastifyRequest<{ Querystring: ChangeQuery }>;
type SaveBy<K extends ResourceKind> = (change: ChangeOptions) => Promise<Saved<K>>;

/** Saves and answers with the resource, or with what the dry run found. */
const saveAndSend = async <K extends ResourceKind>({ show, tryOut, kind }: CrudOptions<K>, { request, reply, created = false }: { readonly request: SaveRequest; readonly reply: FastifyReply; readonly created?: boolean }, save: SaveBy<K>) => {
  const change = changeOptions(request, request.query);
  const saved = await save(change);
  if (change.dryRun === true) return sendDryRun(reply, saved, tryOut);
  const { view } = saved;
  if (created) void reply.code(201).header('location', `${kindRows[kind].path}/${view.id}`);
  return reply.header('etag', `"${view.revision}"`).send(show(view));
};

const writing = { bodyLimit, config: { role: 'admin' } } as const;

const registerCreate = <K extends ResourceKind>(app: FastifyInstance, options: CrudOptions<K>, tags: string[]): void => {
  const { kind, resources, words, names, answer, examples } = options;
  app.route<{ Querystring: ChangeQuery }>({
    method: 'POST',
    url: kindRows[kind].path,
    ...writing,
    schema: {
      tags,
      operationId: `create${names.operation}`,
      summary: `Make a ${words.one}`,
      description: 'Checked as a whole, then saved and put in force at once. With `dryRun=true` it is checked and tried, and not saved.',
      querystring: query({ dryRun }),
      body: { ...newDocumentSchema(kind), examples: [examples.document] },
      response: { 200: dryRunAnswer, 201: { ...answer('It is saved.'), headers: { ...etagHeader, location: { type: 'string', description: 'Its address.' } } }, 409: refusals[409], 503: refusals[503] },
    },
    handler: (request, reply) => saveAndSend(options, { request, reply, created: true }, (change) => resources.create(kind, request.body, change)),
  });
};

interface RevisionRoute<K extends ResourceKind> {
  readonly method: 'PUT' | 'PATCH';
  readonly schema: Readonly<Record<string, unknown>>;
  readonly save: (id: string, body: unknown, change: ChangeOptions) => Promise<Saved<K>>;
}

const registerRevision = <K extends ResourceKind>(app: FastifyInstance, options: CrudOptions<K>, { method, schema, save }: RevisionRoute<K>): void => {
  const { kind, answer } = options;
  const response = { 200: { description: 'It is saved.', anyOf: [answer('As it is now.'), dryRunAnswer], headers: etagHeader }, ...refusals };
  app.route<{ Params: ById; Querystring: ChangeQuery }>({
    method,
    url: `${kindRows[kind].path}/:id`,
    ...writing,
    schema: { params: paramsOf(kind), headers: ifMatchHeader, querystring: query({ dryRun }), response, ...schema },
    handler: (request, reply) => saveAndSend(options, { request, reply }, (change) => save(request.params.id, request.body, change)),
  });
};

/** POST, PUT and PATCH of one kind. */
export const registerSaveRoutes = <K extends ResourceKind>(app: FastifyInstance, options: CrudOptions<K>, tags: string[]): void => {
  const { kind, resources, words, names, examples } = options;
  registerCreate(app, options, tags);
  registerRevision(app, options, {
    method: 'PUT',
    schema: {
      tags,
      operationId: `replace${names.operation}`,
      summary: `Replace a ${words.one}`,
      description: 'The whole document again. A secret that is sent as its mask stays as it is. What GET answered may be sent back whole: keys that only answers have are passed over.',
      body: { ...wholeDocumentSchema(kind), examples: [examples.document] },
    },
    save: (id, body, change) => resources.replace(kind, id, body, change),
  });
  registerRevision(app, options, {
    method: 'PATCH',
    schema: {
      tags,
      operationId: `merge${names.operation}`,
      summary: `Change a ${words.one}`,
      description: 'A JSON Merge Patch (RFC 7396): keys that are sent replace, `null` takes a key away, the rest stays. The result is checked as a whole.',
      consumes: ['application/merge-patch+json', 'application/json'],
      body: { type: 'object', additionalProperties: true, description: `Any part of a ${words.one}.`, examples: [examples.patch] },
    },
    save: (id, body, change) => resources.merge(kind, id, body, change),
  });
};
