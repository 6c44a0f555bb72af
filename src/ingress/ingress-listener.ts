import { fastify, type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { createRepeatLog } from './repeat-log.js';
import { limitConnections } from './connection-room.js';
import { registerWebhooks, type WebhookOptions } from './webhooks.js';

export interface IngressListenerOptions extends Omit<WebhookOptions, 'trust'> {
  readonly host: string;
  readonly port: number;
  readonly bodyLimit: number;
  /** Most open connections; see `limitConnections`. */
  readonly maxConnections: number;
  /** Networks of the proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** PEM; absent means plain HTTP behind a proxy that ends TLS. */
  readonly tls?: { readonly certificate: string; readonly privateKey: string };
  /** A webhook must have arrived whole within this time, ms, and before it the TLS handshake; slower senders hold memory and sockets. Default: 30 s. */
  readonly requestTimeoutMs?: number;
}

export interface Listener {
  start(): Promise<void>;
  /** Stops accepting connections, lets requests under way end. */
  stop(): Promise<void>;
  /** Where it listens: `http://127.0.0.1:8080`; known after start. */
  readonly url: string;
}

const usualRequestTimeoutMs = 30_000;
const longestCheckMs = 2_000;

/**
 * Node holds senders to the longer of the two times and looks every 30 s: with its own 60 s for the headers, a slow sender would
 * have a minute and a half.
 */
const slowSenders = (ms: number) => ({ headersTimeout: ms, requestTimeout: ms, connectionsCheckingInterval: Math.min(longestCheckMs, ms) });

/** Between two looks for connections that have become idle while the listener stops, ms. */
const sweepMs = 20;

/** No webhook has a schema: without these Fastify would load what it compiles schemas with at every start. */
const noSchemas = {
  compilersFactory: {
    buildValidator: () => () => () => true,
    buildSerializer: () => () => (answer: unknown) => JSON.stringify(answer),
  },
} as unknown as NonNullable<FastifyServerOptions['schemaController']>;

const createServer = ({ bodyLimit, trustedProxies, tls, requestTimeoutMs = usualRequestTimeoutMs }: IngressListenerOptions): FastifyInstance => {
  const common = {
    logger: false,
    bodyLimit,
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    schemaController: noSchemas,
  } as const;
  if (tls === undefined) return fastify({ ...common, http: slowSenders(requestTimeoutMs) });
  // A connection counts as one of HTTP only once its handshake is over, for which Node would give two minutes.
  return fastify({ ...common, https: { ...slowSenders(requestTimeoutMs), handshakeTimeout: requestTimeoutMs, cert: tls.certificate, key: tls.privateKey, minVersion: 'TLSv1.2' } });
};

/** The public listener: nothing but webhooks. */
export const createIngressListener = (options: IngressListenerOptions): Listener => {
  let url = '';
  let app: FastifyInstance | undefined;
  const logClosed = createRepeatLog(options.logger);
  const closedForRoom = (): void => {
    options.metrics.closedForRoom();
    logClosed('', (logger, silent) => logger.warn({ most: options.maxConnections, not_logged: silent }, 'too many connections, the oldest that brought no message was closed'));
  };
  return {
    get url() {
      return url;
    },
    async start() {
      app = createServer(options);
      const room = limitConnections(app.server, { most: options.maxConnections, closed: closedForRoom });
      registerWebhooks(app, { ...options, trust: (socket) => room.trust(socket) });
      url = await app.listen({ host: options.host, port: options.port });
    },
    async stop() {
      // Only what is idle at this moment is closed by itself; a connection whose last answer is still on its way would stay for its keep-alive time.
      const sweep = setInterval(() => app?.server.closeIdleConnections(), sweepMs);
      try {
        await app?.close();
      } finally {
        clearInterval(sweep);
      }
    },
  };
};
