import { fastify, type FastifyInstance, type FastifySchema, type RouteOptions } from 'fastify';
import { onDemand } from './on-demand.js';
import type { Role } from './ports.js';
import { schemaCompilers } from './schema-compilers.js';
import { problem, sharedSchemas, type Schema } from './schemas.js';

const info = {
  title: 'lpwan-aws-bridge',
  version: '1',
  description: [
    'The private API of the bridge. Every failure is answered with problem details (RFC 9457) that carry one of the failure reasons.',
    '',
    'Send `Authorization: Bearer` with a token. A bridge whose private listener is bound to loopback takes requests of its own machine without one, unless `private.authenticate` is `always`.',
    '',
    'Roles include one another: `read`, `operate`, `admin`; `x-role` names the one that an operation needs.',
  ].join('\n'),
};

const tags = [
  { name: 'status', description: 'Probes, health and metrics.' },
  { name: 'connections', description: 'AWS IoT Core accounts.' },
  { name: 'network servers', description: 'Who calls the webhooks.' },
  { name: 'flows', description: 'Which messages go to which connections.' },
  { name: 'connectors', description: 'The kinds of connections.' },
  { name: 'downlinks', description: 'Commands to devices.' },
  { name: 'devices', description: 'Devices as they were last heard.' },
  { name: 'parked messages', description: 'Messages that were given up with a reason.' },
  { name: 'events', description: 'What happened.' },
  { name: 'audit', description: 'Who changed what.' },
  { name: 'tokens', description: 'Who may use this API.' },
  { name: 'documents', description: 'This document.' },
];

type Access = Role | 'open' | 'unchecked';

const needsToken = (access: Access): access is Role => access !== 'open' && access !== 'unchecked';

/** What every operation of its kind may be answered with, so that no route has to list it. */
const commonProblems = (schema: FastifySchema, access: Access): Record<string, Schema> => ({
  ...(schema.params !== undefined || schema.querystring !== undefined || schema.body !== undefined ? { 400: problem('Something in the request is wrong; `errors` lists each field.') } : {}),
  ...(needsToken(access) ? { 401: problem('A token is needed, or the one given is unknown or expired.'), 403: problem('The role of the token is too low.') } : {}),
  ...(schema.params === undefined ? {} : { 404: problem('There is nothing with this id.') }),
  ...(schema.body === undefined ? {} : { 413: problem('The body is too large.'), 415: problem('The body is not JSON.') }),
  default: problem('Any other failure.'),
});

const roleText = (access: Access): string => (needsToken(access) ? `Role: \`${access}\`.` : 'Needs no token.');

/** The operation as the document shows it: with its role, its security and the failures that are common to all. */
export const documentedSchema = (schema: FastifySchema, access: Access): FastifySchema => ({
  ...schema,
  description: [schema.description, roleText(access)].filter(Boolean).join('\n\n'),
  security: needsToken(access) ? [{ bearer: [] }] : [],
  response: { ...commonProblems(schema, access), ...(schema.response as Record<string, Schema> | undefined) },
  ...(needsToken(access) ? { 'x-role': access } : {}),
});

/** Routes that are never called, on an app that never listens: `@fastify/swagger` makes the document of what is registered behind it. */
const openDocument = async (routes: readonly RouteOptions[]): Promise<FastifyInstance> => {
  const { default: swagger } = await import('@fastify/swagger');
  const app = fastify({ logger: false, exposeHeadRoutes: false, schemaController: { compilersFactory: schemaCompilers } });
  for (const schema of sharedSchemas) app.addSchema(schema);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info,
      tags,
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'A token of the bridge: `lpb_…`.' } } },
    },
    refResolver: { buildLocalReference: (schema, _base, _fragment, index) => (typeof schema['$id'] === 'string' ? schema['$id'] : `schema-${index}`) },
    transform: ({ schema, url, route }) => ({ schema: documentedSchema(schema ?? {}, route.config?.role ?? 'admin'), url }),
  });
  for (const route of routes) app.route(route);
  await app.ready();
  return app;
};

const documentRoute = { tags: ['documents'], summary: 'This document' };

/** The document of an API. */
export interface OpenApi {
  /** Of the routes that were registered behind it, OpenAPI 3.1. */
  json(): Promise<object>;
  yaml(): Promise<string>;
}

/** Gathers the schemas of the routes that are registered after it, and serves them as an OpenAPI 3.1 document. It is made when it is first asked for, so that no start waits for it. */
export const registerOpenApi = (app: FastifyInstance): OpenApi => {
  const routes: RouteOptions[] = [];
  const document = onDemand(app, () => openDocument(routes));
  const openApi: OpenApi = {
    json: async () => (await document()).swagger(),
    yaml: async () => (await document()).swagger({ yaml: true }),
  };

  for (const schema of sharedSchemas) app.addSchema(schema);
  app.addHook('onRoute', ({ method, url, schema, config }) => {
    // Fastify makes these by itself, beside each GET.
    if (method === 'HEAD') return;
    routes.push({ method, url, ...(schema === undefined ? {} : { schema }), ...(config === undefined ? {} : { config }), handler: () => undefined });
  });
  app.route({
    method: 'GET',
    url: '/openapi.json',
    config: { role: 'read' },
    schema: { ...documentRoute, operationId: 'getOpenApi', description: 'As JSON.', response: { 200: { type: 'object', description: 'An OpenAPI 3.1 document.', additionalProperties: true } } },
    handler: () => openApi.json(),
  });
  app.route({
    method: 'GET',
    url: '/openapi.yaml',
    config: { role: 'read' },
    schema: { ...documentRoute, operationId: 'getOpenApiYaml', description: 'As YAML.', response: { 200: { description: 'An OpenAPI 3.1 document.', content: { 'application/yaml': { schema: { type: 'string' } } } } } },
    handler: async (_request, reply) => reply.type('application/yaml').send(await openApi.yaml()),
  });
  return openApi;
};
