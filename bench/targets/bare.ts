import { createHttp, parseXml, serve, webhookPaths, xmlTypes } from './http.js';

// Ceiling (a): the same request, parsed (JSON by Fastify's own parser) and answered, and nothing else.

const app = createHttp();
app.addContentTypeParser<string>(xmlTypes, { parseAs: 'string' }, (_request, body, done) => done(null, parseXml(body)));
for (const path of webhookPaths) app.post(path, (_request, reply) => void reply.code(204).send());
await serve(app);
