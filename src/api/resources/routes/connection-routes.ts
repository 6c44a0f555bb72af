import type { FastifyInstance } from 'fastify';
import type { ConnectionConfig } from '../../../config/connection.js';
import { BridgeError } from '../../../errors.js';
import { problem, query, text } from '../../schemas.js';
import { certificatePlaceholder, exampleConnection, exampleConnectionPatch, privateKeyPlaceholder } from '../examples.js';
import type { LiveStatus } from '../live-status.js';
import { ResourceError } from '../resource-error.js';
import type { Resources } from '../resources.js';
import { checkAnswer, policyAnswer, syncAnswer } from './check-schema.js';
import { abortedWith, paramsOf } from './crud-options.js';
import { registerCrudRoutes } from './crud-routes.js';
import { connectionAnswer, showConnection } from './show-connection.js';

export interface ConnectionRouteOptions {
  readonly resources: Resources;
  readonly live: LiveStatus;
}

const tags = ['connections'];
const params = paramsOf('connection');
const locked = problem('A secret cannot be opened.');

/** @throws BridgeError unknown_resource, secrets_locked; ResourceError when the stored document cannot be used */
const usableConfig = (resources: Resources, id: string): ConnectionConfig => {
  const live = resources.effective().connections.get(id);
  if (live !== undefined) return live.config;
  const { problems } = resources.get('connection', id);
  const failed = resources.effective().failed.find((one) => one.kind === 'connection' && one.id === id);
  if (failed?.reason === 'secrets_locked') throw new BridgeError('secrets_locked', { detail: problems.map(({ path, message }) => `${path}: ${message}`).join('; ') });
  throw new ResourceError(problems);
};

/** Connections, and what can be tried and asked of one. */
export const registerConnectionRoutes = (app: FastifyInstance, { resources, live }: ConnectionRouteOptions): void => {
  registerCrudRoutes(app, {
    kind: 'connection',
    resources,
    words: { one: 'connection', many: 'connections' },
    names: { list: 'connections', operation: 'Connection' },
    show: (view) => showConnection(view, live.connection(view.id)),
    answer: connectionAnswer,
    filters: { active: { type: 'boolean', description: 'Only active ones, or only those that are not.', examples: [true] }, connectorId: text('Only of this connector.', { minLength: 1, maxLength: 64, examples: ['actility-aws-iot'] }) },
    removal: { backlog: text('What becomes of messages that wait for it: `park` keeps them for a person, `discard` throws them away.', { enum: ['park', 'discard'], examples: ['park'] }) },
    examples: { document: exampleConnection(certificatePlaceholder, privateKeyPlaceholder), patch: exampleConnectionPatch },
    tryOut: (config, signal) => live.check(config, signal),
  });

  app.route<{ Params: { id: string } }>({
    method: 'POST',
    url: '/connections/:id/check',
    config: { role: 'operate' },
    schema: {
      tags,
      operationId: 'checkConnection',
      summary: 'Try a connection',
      description: 'DNS, TCP, TLS with the certificate, MQTT, the topics and the registry, each beside the running sessions; for a refusal it names the permission that is missing.',
      params,
      response: { 200: checkAnswer, 503: locked },
    },
    async handler({ params: { id } }, reply) {
      const steps = await live.check(usableConfig(resources, id), abortedWith(reply));
      return { ok: steps.every(({ result }) => result !== 'failed'), steps };
    },
  });

  app.route<{ Params: { id: string } }>({
    method: 'GET',
    url: '/connections/:id/policy',
    config: { role: 'read' },
    schema: { tags, operationId: 'getConnectionPolicy', summary: 'The policies that a connection needs', description: 'The least IoT policy and IAM policy for exactly this configuration.', params, response: { 200: policyAnswer, 503: locked } },
    handler: async ({ params: { id } }) => live.policy(usableConfig(resources, id)),
  });

  app.route<{ Params: { id: string }; Querystring: { apply?: boolean } }>({
    method: 'POST',
    url: '/connections/:id/things/sync',
    config: { role: 'operate' },
    schema: {
      tags,
      operationId: 'syncThings',
      summary: 'Compare the things in AWS with the devices',
      description: 'Lists the things of the account and tells which are not as they should be. With `apply=true` they are put right.',
      params,
      querystring: query({ apply: { type: 'boolean', description: 'Put right what is not as it should be.', examples: [false] } }),
      response: { 200: syncAnswer, 502: problem('AWS refused or cannot be reached.'), 503: problem('AWS throttles, or a secret cannot be opened.') },
    },
    async handler({ params: { id }, query: { apply = false } }, reply) {
      usableConfig(resources, id);
      return live.syncThings(id, { apply, signal: abortedWith(reply) });
    },
  });
};
