import type { FastifyInstance } from 'fastify';
import { networkServerKinds } from '../../../config/network-server.js';
import { text } from '../../schemas.js';
import { exampleFlow, exampleFlowPatch, exampleNetworkServer, exampleNetworkServerPatch } from '../examples.js';
import type { LiveStatus } from '../live-status.js';
import type { Resources } from '../resources.js';
import { registerConnectionRoutes } from './connection-routes.js';
import { registerConnectorRoutes } from './connector-routes.js';
import { registerCrudRoutes } from './crud-routes.js';
import { registerEventRoutes } from './event-routes.js';
import { parameterCompiler } from './parameter-compiler.js';
import { flowAnswer, showFlow } from './show-flow.js';
import { networkServerAnswer, showNetworkServer } from './show-network-server.js';

export interface ResourceRouteOptions {
  readonly resources: Resources;
  readonly live: LiveStatus;
}

const registerNetworkServerRoutes = (app: FastifyInstance, { resources, live }: ResourceRouteOptions): void =>
  registerCrudRoutes(app, {
    kind: 'network-server',
    resources,
    words: { one: 'network server', many: 'network servers' },
    names: { list: 'networkServers', operation: 'NetworkServer' },
    show: (view) => showNetworkServer(view, live.networkServer(view.id)),
    answer: networkServerAnswer,
    filters: { kind: text('Only of this kind.', { enum: [...networkServerKinds], examples: ['chirpstack'] }) },
    removal: {},
    examples: { document: exampleNetworkServer, patch: exampleNetworkServerPatch },
  });

const registerFlowRoutes = (app: FastifyInstance, { resources }: ResourceRouteOptions): void =>
  registerCrudRoutes(app, {
    kind: 'flow',
    resources,
    words: { one: 'flow', many: 'flows' },
    names: { list: 'flows', operation: 'Flow' },
    show: showFlow,
    answer: flowAnswer,
    filters: { active: { type: 'boolean', description: 'Only active ones, or only those that are not.', examples: [true] } },
    removal: {},
    examples: { document: exampleFlow, patch: exampleFlowPatch },
  });

/** Connections, network servers, flows and connectors. A plugin, because what checks its parameters is its own. */
export const resourceRoutes = async (app: FastifyInstance, options: ResourceRouteOptions): Promise<void> => {
  app.setValidatorCompiler(parameterCompiler);
  registerConnectionRoutes(app, options);
  registerNetworkServerRoutes(app, options);
  registerFlowRoutes(app, options);
  registerEventRoutes(app, options);
  registerConnectorRoutes(app);
};
