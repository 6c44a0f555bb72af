import type { FastifyInstance } from 'fastify';
import { given } from '../../../given.js';
import { eventJson, eventSchema } from '../../event-answers.js';
import { page, pageQuery, query } from '../../schemas.js';
import { kindRows } from '../kinds.js';
import type { LiveStatus } from '../live-status.js';
import type { Resources } from '../resources.js';
import { paramsOf } from './crud-options.js';

const mostEvents = 200;
const usualEvents = 50;

export interface EventRouteOptions {
  readonly resources: Resources;
  readonly live: Pick<LiveStatus, 'events'>;
}

/** The latest events of one connection or network server. */
export const registerEventRoutes = (app: FastifyInstance, { resources, live }: EventRouteOptions): void => {
  for (const kind of ['connection', 'network-server'] as const) {
    const words = kind === 'connection' ? { one: 'connection', tag: 'connections', operation: 'listConnectionEvents' } : { one: 'network server', tag: 'network servers', operation: 'listNetworkServerEvents' };
    app.route<{ Params: { id: string }; Querystring: { limit?: number; after?: string } }>({
      method: 'GET',
      url: `${kindRows[kind].path}/:id/events`,
      config: { role: 'read' },
      schema: {
        tags: [words.tag],
        operationId: words.operation,
        summary: `What happened to a ${words.one}`,
        description: 'Its latest events, newest first; at least the last 200 are kept.',
        params: paramsOf(kind),
        querystring: query(pageQuery(mostEvents, usualEvents)),
        response: { 200: page('events', eventSchema, 'The events.') },
      },
      async handler({ params: { id }, query: { limit = usualEvents, after } }) {
        resources.get(kind, id);
        const { entries, next } = await live.events({ kind, id }, { limit, ...given({ after }) });
        return { events: entries.map(eventJson), ...given({ next }) };
      },
    });
  }
};
