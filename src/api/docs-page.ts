import { fastify, type FastifyInstance } from 'fastify';
import { docsScript, docsStyle } from './docs-script.js';
import { answerHeaders } from './http.js';
import { onDemand } from './on-demand.js';

/** Nothing from elsewhere is loaded, framed or sent to; the page's styles are set in its elements. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The page knows no document of its own: it asks for the real one with the reader's token. */
const emptyDocument = { openapi: '3.1.0', info: { title: 'lpwan-aws-bridge', version: '1' }, paths: {} } as const;

const openPage = async (): Promise<FastifyInstance> => {
  const [{ default: swagger }, { default: swaggerUi }] = await Promise.all([import('@fastify/swagger'), import('@fastify/swagger-ui')]);
  const page = fastify({ logger: false });
  page.addHook('onRequest', async (_request, reply) => {
    void reply.headers({ ...answerHeaders, 'referrer-policy': 'no-referrer' });
  });
  await page.register(swagger, { mode: 'static', specification: { document: emptyDocument } });
  await page.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: contentSecurityPolicy,
    theme: { title: 'lpwan-aws-bridge API', js: [{ filename: 'token.js', content: docsScript }], css: [{ filename: 'token.css', content: docsStyle }] },
  });
  await page.ready();
  return page;
};

/**
 * `/docs`: a page to read the API and try it. It holds nothing but the page itself, so it needs no token; what it asks for does.
 * It is made on the first visit, so that it costs nothing where nobody looks.
 */
export const registerDocsPage = (app: FastifyInstance): void => {
  const opened = onDemand(app, openPage);
  for (const url of ['/docs', '/docs/*']) {
    app.route({
      method: 'GET',
      url,
      config: { role: 'unchecked' },
      schema: { hide: true },
      async handler(request, reply) {
        const inner = await opened();
        reply.hijack();
        inner.routing(request.raw, reply.raw);
      },
    });
  }
};
