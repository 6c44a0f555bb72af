import type { FastifyInstance } from 'fastify';
import { isoTime } from './answers.js';
import { given } from '../given.js';
import type { BridgePorts } from './bridge-ports.js';
import type { AuditEntry } from './ports.js';
import { listOf, object, page, pageQuery, query, role, text, time, type Schema } from './schemas.js';

const usualLimit = 100;
const mostEntries = 500;

const auditSchema: Schema = object({
  time: time('When.'),
  who: text('Name of the token, or `loopback`.'),
  role,
  from: text('Address that the request came from.'),
  action: text('What was done: `create`, `replace`, `merge`, `delete`, `replay`, `clear`.'),
  kind: text('To what: `connection`, `flow`, `token`, `downlink`, `parked message`, `device`.'),
  id: text('Which one.'),
  changed: listOf(text('Path of a key.'), 'Keys that changed, never their values.'),
});

const auditJson = ({ time: at, who, role: held, from, action, kind, id, changed }: AuditEntry) => ({ time: isoTime(at), who, role: held, from, action, kind, id, changed });

/** Who changed what. */
export const registerAuditRoutes = (app: FastifyInstance, { audit }: Pick<BridgePorts, 'audit'>): void => {
  app.route<{ Querystring: { readonly limit?: number; readonly after?: string } }>({
    method: 'GET',
    url: '/audit',
    config: { role: 'admin' },
    schema: {
      tags: ['audit'],
      operationId: 'listAudit',
      summary: 'List changes',
      description: 'Every change made through the API, newest first: who, what, from where.',
      querystring: query(pageQuery(mostEntries, usualLimit)),
      response: { 200: page('audit', auditSchema, 'The changes.') },
    },
    async handler({ query: { limit = usualLimit, after } }) {
      const { entries, next } = await audit.audits({ limit, ...given({ after }) });
      return { audit: entries.map(auditJson), ...given({ next }) };
    },
  });
};
