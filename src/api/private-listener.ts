import type { FastifyInstance, FastifyPluginAsync, FastifyPluginCallback } from 'fastify';
import type { Logger } from '../log.js';
import { registerAuditRoutes } from './audit-routes.js';
import { registerAuthentication } from './authenticate.js';
import type { BridgePorts } from './bridge-ports.js';
import { createNoteChange } from './caller.js';
import { registerDeviceRoutes } from './device-routes.js';
import { registerDocsPage } from './docs-page.js';
import { registerDownlinkRoutes } from './downlink-routes.js';
import { registerEventRoutes } from './event-routes.js';
import { createHttp } from './http.js';
import { isLoopback } from './loopback.js';
import { createApiMetrics } from './metrics.js';
import { registerOpenApi } from './open-api.js';
import { registerReplayRoutes } from './parked-message-replay.js';
import { registerParkedMessageRoutes } from './parked-message-routes.js';
import { createRefusedTokens } from './refused-tokens.js';
import { registerStatusRoutes, type OpenPath, type StatusSources } from './status-routes.js';
import { registerTokenRoutes } from './token-routes.js';

export type { Health } from './status-routes.js';

export interface PrivateListenerOptions extends StatusSources {
  readonly host: string;
  readonly port: number;
  /** PEM; absent means plain HTTP. */
  readonly tls?: { readonly certificate: string; readonly privateKey: string };
  /** `auto`: tokens are needed unless the listener is bound to loopback; `always`: they are. */
  readonly authenticate: 'auto' | 'always';
  /** Paths for which no token is needed; `/live` and `/ready` never need one. */
  readonly openPaths: readonly OpenPath[];
  readonly bridge: BridgePorts;
  /** More routes, with the same authentication and errors. */
  readonly plugins: readonly (FastifyPluginCallback | FastifyPluginAsync)[];
  readonly logger: Logger;
}

export interface PrivateListener {
  /** Known after start. */
  readonly url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const registerRoutes = async (app: FastifyInstance, options: PrivateListenerOptions): Promise<void> => {
  const { bridge, plugins, logger, authenticate, host, registry } = options;
  const trustLoopback = authenticate === 'auto' && isLoopback(host);
  const note = createNoteChange(bridge.audit, logger);
  registerAuthentication(app, { trustLoopback, tokens: bridge.tokens, refusedTokens: createRefusedTokens(createApiMetrics(registry), logger) });
  registerOpenApi(app);
  registerDocsPage(app);
  // On loopback the machine itself needs no token anyway, and an open path would be open to every web page in its browser.
  registerStatusRoutes(app, { ...options, openPaths: trustLoopback ? [] : options.openPaths });
  registerDownlinkRoutes(app, bridge, note);
  registerDeviceRoutes(app, bridge, note);
  registerParkedMessageRoutes(app, { parked: bridge.parked, note });
  registerReplayRoutes(app, { parked: bridge.parked, note });
  registerEventRoutes(app, bridge);
  registerAuditRoutes(app, bridge);
  registerTokenRoutes(app, { tokens: bridge.tokens, note });
  for (const plugin of plugins) await app.register(plugin);
};

/** The private listener: status for probes and Prometheus, and the API for operators. Not for the internet. */
export const createPrivateListener = (options: PrivateListenerOptions): PrivateListener => {
  let url = '';
  let app: FastifyInstance | undefined;
  return {
    get url() {
      return url;
    },
    async start() {
      app = createHttp(options);
      await registerRoutes(app, options);
      url = await app.listen({ host: options.host, port: options.port });
    },
    async stop() {
      await app?.close();
    },
  };
};
