import { fastify, type FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { reasons, type Reason } from '../errors.js';

/** Everything that is not as it should be, by name. */
export interface Health {
  readonly status: 'ok' | 'degraded';
  readonly problems: readonly { readonly component: string; readonly reason: Reason; readonly detail?: string; readonly since?: string }[];
  readonly [part: string]: unknown;
}

export interface PrivateListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly registry: Registry;
  /** Why webhooks cannot be accepted durably now, or undefined. */
  readonly notReady: () => Reason | undefined;
  readonly health: () => Health;
}

export interface PrivateListener {
  readonly url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const registerRoutes = (app: FastifyInstance, { registry, notReady, health }: PrivateListenerOptions): void => {
  app.get('/live', async () => ({ status: 'live' }));
  app.get('/ready', async (_request, reply) => {
    const reason = notReady();
    if (reason === undefined) return { status: 'ready' };
    return reply.code(503).send({ status: 'not ready', reason, title: reasons[reason].title });
  });
  app.get('/health', async () => health());
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()));
};

/** The private listener: `/live` says that the event loop turns, `/ready` that webhooks can be accepted durably, `/health` names what is degraded, `/metrics` is for Prometheus. */
export const createPrivateListener = (options: PrivateListenerOptions): PrivateListener => {
  let url = '';
  let app: FastifyInstance | undefined;
  return {
    get url() {
      return url;
    },
    async start() {
      app = fastify({ logger: false, forceCloseConnections: true });
      registerRoutes(app, options);
      url = await app.listen({ host: options.host, port: options.port });
    },
    async stop() {
      await app?.close();
    },
  };
};
