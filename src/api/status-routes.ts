import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { reasons, type Reason } from '../errors.js';
import { listOf, object, reason, text, time, type Schema } from './schemas.js';

/** Everything that is not as it should be, by name. */
export interface Health {
  readonly status: 'ok' | 'degraded';
  readonly problems: readonly { readonly component: string; readonly reason: Reason; readonly detail?: string; readonly since?: string }[];
  readonly [part: string]: unknown;
}

/** Paths that can be opened to everybody who reaches the listener. */
export type OpenPath = 'health' | 'metrics';

export interface StatusSources {
  readonly registry: Registry;
  /** Why webhooks cannot be accepted durably now, or undefined. */
  readonly notReady: () => Reason | undefined;
  readonly health: () => Health;
}

export interface StatusRouteOptions extends StatusSources {
  readonly openPaths: readonly OpenPath[];
}

const tags = ['status'];

const healthSchema: Schema = object(
  {
    status: text('`degraded` when there is a problem.', { enum: ['ok', 'degraded'] }),
    problems: listOf(
      object({ component: text('What it is about.'), reason, detail: text('In words.'), since: time('Since when.') }, ['detail', 'since']),
      'Everything that is not as it should be.',
    ),
  },
  [],
  { description: 'The state of every part, and what is wrong.', additionalProperties: true },
);

/** `/live` says that the event loop turns, `/ready` that webhooks can be accepted durably, `/health` names what is degraded, `/metrics` is for Prometheus. */
export const registerStatusRoutes = (app: FastifyInstance, { registry, notReady, health, openPaths }: StatusRouteOptions): void => {
  const roleOf = (path: OpenPath) => (openPaths.includes(path) ? 'open' : 'read');

  app.route({
    method: 'GET',
    url: '/live',
    config: { role: 'unchecked' },
    schema: {
      tags,
      operationId: 'getLive',
      summary: 'Is the process alive',
      description: 'Answers whenever the event loop turns. For a liveness probe.',
      response: { 200: object({ status: text('Always `live`.', { enum: ['live'] }) }, [], { description: 'It is.' }) },
    },
    handler: async () => ({ status: 'live' }),
  });

  app.route({
    method: 'GET',
    url: '/ready',
    config: { role: 'unchecked' },
    schema: {
      tags,
      operationId: 'getReady',
      summary: 'Can webhooks be accepted',
      description: 'Ready exactly while webhooks can be accepted durably; an outage of AWS does not change that. For a readiness probe.',
      response: {
        200: object({ status: text('Always `ready`.', { enum: ['ready'] }) }, [], { description: 'Webhooks are accepted.' }),
        503: object({ status: text('Always `not ready`.', { enum: ['not ready'] }), reason, title: text('The reason in words.') }, [], { description: 'Webhooks get 503 now.' }),
      },
    },
    async handler(_request, reply) {
      const why = notReady();
      if (why === undefined) return { status: 'ready' };
      return reply.code(503).send({ status: 'not ready', reason: why, title: reasons[why].title });
    },
  });

  app.route({
    method: 'GET',
    url: '/health',
    config: { role: roleOf('health') },
    schema: { tags, operationId: 'getHealth', summary: 'What is degraded', description: 'Names everything that is not as it should be. Always 200: probes belong to /live and /ready.', response: { 200: healthSchema } },
    handler: async () => health(),
  });

  app.route({
    method: 'GET',
    url: '/metrics',
    config: { role: roleOf('metrics') },
    schema: {
      tags,
      operationId: 'getMetrics',
      summary: 'Metrics for Prometheus',
      description: 'In the text format of Prometheus.',
      response: { 200: { description: 'All metrics.', content: { 'text/plain': { schema: { type: 'string' } } } } },
    },
    handler: async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()),
  });
};
