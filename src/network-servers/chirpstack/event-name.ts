import { BridgeError, fieldError } from '../../errors.js';
import type { WebhookRequest } from '../network-server.js';

/** ChirpStack 4: up … location; `integration` until 4.14. ChirpStack 3 has `error` where ChirpStack 4 has `log`. */
export const eventNames = ['up', 'join', 'ack', 'txack', 'log', 'error', 'status', 'location', 'integration'] as const;
export type EventName = (typeof eventNames)[number];

/** What nearly every query is: this, and the name. */
const prefix = 'event=';

const asEventName = (text: string | undefined): EventName | undefined => eventNames.find((name) => name === text);

/**
 * Which event a request carries; the body does not tell. ChirpStack adds `?event=` behind the query of the configured URL, so the
 * last one counts. Old releases have one URL for each event: there the last segment of the path may say it (`/in/{id}/up`).
 * @throws unsupported_document for an unknown event, invalid_field `event` when none is named
 */
export const eventNameOf = (request: WebhookRequest): EventName => {
  const alone = request.rawQuery.startsWith(prefix) ? asEventName(request.rawQuery.slice(prefix.length)) : undefined;
  if (alone !== undefined) return alone;
  const named = new URLSearchParams(request.rawQuery).getAll('event').at(-1);
  const event = asEventName(named ?? request.path.split('/').filter((segment) => segment !== '').at(-1));
  if (event !== undefined) return event;
  if (named === undefined || named === '') throw fieldError('event', 'is required in the query: ?event=up');
  throw new BridgeError('unsupported_document', { detail: `ChirpStack has no event ${JSON.stringify(named.slice(0, 40))}` });
};
