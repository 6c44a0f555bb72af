import type { FastifyInstance } from 'fastify';
import { fieldError, type Reason } from '../errors.js';
import type { BridgeEvent, EventSubject } from '../messages/bridge-event.js';
import { lowerHex } from './answers.js';
import { given } from '../given.js';
import type { BridgePorts } from './bridge-ports.js';
import { eventJson, eventSchema } from './event-answers.js';
import type { EventLog } from './ports.js';
import { id, page, pageQuery, query, reasonQuery, text } from './schemas.js';

const usualLimit = 100;
const mostEvents = 500;
/** Most pages of the log read for one answer, where a filter leaves little of them. */
const mostReads = 10;

interface EventQuery {
  readonly connection?: string;
  readonly networkServer?: string;
  readonly device?: string;
  readonly level?: BridgeEvent['level'];
  readonly reason?: Reason;
  readonly limit?: number;
  readonly after?: string;
}

const subjectOf = ({ connection, networkServer }: EventQuery): EventSubject | undefined => {
  if (connection !== undefined && networkServer !== undefined) throw fieldError('networkServer', 'must not be there beside connection');
  if (connection !== undefined) return { kind: 'connection', id: connection };
  return networkServer === undefined ? undefined : { kind: 'network-server', id: networkServer };
};

const fits = ({ device, level, reason: why }: EventQuery) => {
  const deviceId = device === undefined ? undefined : lowerHex(device);
  return (entry: BridgeEvent): boolean => (deviceId === undefined || entry.deviceId === deviceId) && (level === undefined || entry.level === level) && (why === undefined || entry.reason === why);
};

type Found = BridgeEvent & { readonly id: string };

/** Reads on until the page is full, the log ends, or enough was read: then the page is short and has a `next`. */
const readEvents = async (log: Pick<EventLog, 'events'>, wanted: EventQuery): Promise<{ readonly entries: readonly Found[]; readonly next?: string }> => {
  const { limit = usualLimit } = wanted;
  const subject = subjectOf(wanted);
  const entries: Found[] = [];
  let after = wanted.after;
  for (let reads = 0; reads < mostReads; reads += 1) {
    const found = await log.events(subject, { limit: limit - entries.length, ...given({ after }) });
    entries.push(...found.entries.filter(fits(wanted)));
    after = found.next;
    if (after === undefined || entries.length >= limit) break;
  }
  return { entries, ...given({ next: after }) };
};

/** What happened to connections and network servers. */
export const registerEventRoutes = (app: FastifyInstance, { events }: Pick<BridgePorts, 'events'>): void => {
  app.route<{ Querystring: EventQuery }>({
    method: 'GET',
    url: '/events',
    config: { role: 'read' },
    schema: {
      tags: ['events'],
      operationId: 'listEvents',
      summary: 'List events',
      description: 'The latest events of all connections and network servers, newest first. A page may be short, even empty, and still have a `next`.',
      querystring: query({
        connection: id('Only those of this connection.', 'main'),
        networkServer: text('Only those of this network server; not beside `connection`.', { minLength: 1, maxLength: 128 }),
        device: id('Only those about this device.', '70b3d5e75e00a1b2'),
        level: text('Only those of this level.', { enum: ['info', 'warning', 'error'] }),
        reason: reasonQuery('Only those with this reason.'),
        ...pageQuery(mostEvents, usualLimit),
      }),
      response: { 200: page('events', eventSchema, 'The events.') },
    },
    async handler(request) {
      const { entries, next } = await readEvents(events, request.query);
      return { events: entries.map(eventJson), ...given({ next }) };
    },
  });
};
