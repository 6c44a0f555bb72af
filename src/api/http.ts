import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest, type FastifyServerOptions } from 'fastify';
import { BridgeError } from '../errors.js';
import type { Logger } from '../log.js';
import { asApiError, sendApiProblem } from './problem.js';
import { schemaCompilers } from './schema-compilers.js';

export interface HttpOptions {
  readonly tls?: { readonly certificate: string; readonly privateKey: string };
  readonly logger: Logger;
}

/** Longest body, bytes, where a route says nothing else. */
const bodyLimit = 1_048_576;
/** A request must have arrived whole within this time, ms. */
const requestTimeoutMs = 30_000;
/** Longest id in a path, characters. */
const maxParamLength = 256;

/** `merge-patch+json` is what PATCH carries (RFC 7396). */
const jsonTypes = ['application/json', 'application/merge-patch+json'];

/** For every answer: it is read by programs, never kept on the way, never taken for another type, never put into another site's page. */
export const answerHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
};

/**
 * Bodies are checked as they are: a number is no text, and an unknown key is not dropped in silence. That the schemas themselves are schemas is
 * proved by a test, so that no start waits for it.
 */
const ajv = { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: true, strict: false, meta: false, validateSchema: false } } as const;

/** Only JSON is read: a page of another site can send forms and plain text without asking, but no JSON (Fetch, CORS-safelisted request-header). */
const readJsonOnly = (app: FastifyInstance): void => {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(jsonTypes, { parseAs: 'string' }, (request, body: string, done) => {
    // Programs that always name a media type do so for requests without a body too.
    if (body === '' && request.routeOptions.schema?.body === undefined) done(null, undefined);
    else void parse(request, body, done);
  });
};

interface QuerySchema {
  readonly properties?: Readonly<Record<string, { readonly type?: unknown }>>;
}

const readers: Readonly<Record<string, (value: unknown) => unknown>> = {
  integer: (value) => (typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value),
  boolean: (value) => (value === 'true' ? true : value === 'false' ? false : value),
  array: (value): unknown => (Array.isArray(value) ? value : [value]),
};

/** A query is all text: numbers and flags become what their schema says. */
const readQuery = (request: FastifyRequest): void => {
  const { properties = {} } = (request.routeOptions.schema?.querystring ?? {}) as QuerySchema;
  const values = request.query as Record<string, unknown>;
  for (const [key, { type }] of Object.entries(properties)) {
    const read = readers[String(type)];
    if (read !== undefined && Object.hasOwn(values, key)) values[key] = read(values[key]);
  }
};

interface KnownRoute {
  readonly form: RegExp;
  readonly methods: Set<string>;
}

/** `/devices/:id` as a pattern of paths. */
const formOf = (url: string): RegExp => {
  const parts = url.split('/').map((part) => (part === '*' ? '.*' : part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')));
  return new RegExp(`^${parts.join('/')}$`);
};

/** Tells a wrong method (405, with what is allowed) from an address that does not exist (404). */
const answerUnknown = (app: FastifyInstance): void => {
  const known = new Map<string, KnownRoute>();
  app.addHook('onRoute', ({ url, method }) => {
    const route = known.get(url) ?? { form: formOf(url), methods: new Set() };
    known.set(url, route);
    for (const name of [method].flat()) route.methods.add(name);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const methods = new Set([...known.values()].filter(({ form }) => form.test(path)).flatMap((route) => [...route.methods]));
    if (methods.size === 0) throw new BridgeError('unknown_route', { detail: 'the private API has no such address; /openapi.json lists all' });
    const allow = [...methods].join(', ');
    void reply.header('allow', allow);
    throw new BridgeError('method_not_allowed', { detail: `this address takes ${allow}` });
  });
};

const answerErrors = (app: FastifyInstance, logger: Logger): void => {
  app.setErrorHandler((error, request, reply) => {
    const failure = asApiError(error);
    if (failure.reason === 'internal_error') logger.error({ err: failure.cause ?? failure, request_id: request.id, reason: failure.reason }, 'api request failed');
    return sendApiProblem(reply, failure);
  });
};

/** The HTTP side of the private API: JSON in, JSON or problem details out. */
export const createHttp = ({ tls, logger }: HttpOptions): FastifyInstance => {
  const common = {
    logger: false,
    bodyLimit,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: true,
    routerOptions: { maxParamLength },
    ajv,
    schemaController: { compilersFactory: schemaCompilers },
    // What is wrong with a body is told by this file's own words, never by quoting it.
    frameworkErrors: (error: Error, _request: FastifyRequest, reply: FastifyReply) => void sendApiProblem(reply, error),
  } satisfies FastifyServerOptions;
  const app = (tls === undefined ? fastify(common) : fastify({ ...common, https: { handshakeTimeout: requestTimeoutMs, cert: tls.certificate, key: tls.privateKey, minVersion: 'TLSv1.2' } })) as unknown as FastifyInstance;
  readJsonOnly(app);
  answerUnknown(app);
  answerErrors(app, logger);
  app.addHook('onRequest', async (_request, reply) => {
    void reply.headers(answerHeaders);
  });
  app.addHook('preValidation', async (request) => readQuery(request));
  return app;
};
