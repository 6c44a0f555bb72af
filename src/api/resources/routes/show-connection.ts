import { certificateLabel, pemText, readCertificate } from '../../../config/certificates.js';
import { BridgeError } from '../../../errors.js';
import { isoTime } from '../../answers.js';
import type { JsonObject } from '../../ports.js';
import { integer, object, reason, text, time, type Schema } from '../../schemas.js';
import { isJsonObject } from '../json-object.js';
import { connectionStates, type ConnectionLive, type LiveError } from '../live-status.js';
import type { ResourceView } from '../resource-view.js';
import { givenProperties, maskedNote, shownOptional, shownProperties } from './document-schema.js';
import { shownKeysOf } from './show-resource.js';

export const errorSchema: Schema = object({ reason, detail: text('In words.'), time: time('When it happened.') }, ['detail'], { description: 'The last failure.' });
const state: Schema = text('As ThingPark X IoT Flow calls it.', { enum: [...connectionStates] });

const liveProperties: Record<string, Schema> = {
  state,
  startupTime: time('When it was last opened.'),
  since: time('Last change of its state.'),
  lastError: errorSchema,
  pending: object({ messages: integer('How many.'), bytes: integer('How much room they take.') }, [], { description: 'What waits for AWS.' }),
  sessions: integer('MQTT sessions that are open.'),
  inFlight: integer('Messages that AWS has not acknowledged yet.'),
  connects: integer('Sessions opened since the daemon started.'),
  downlinks: object({ state, since: time('Last change of its state.'), lastError: errorSchema }, ['lastError'], { description: 'The session that takes downlinks.' }),
  certificate: object({ subject: text('Whose it is, and until when.'), validUntil: time('Its end.'), daysLeft: integer('Whole days until then; negative when it has expired.') }, [], { description: 'The client certificate.' }),
  things: object({ pending: integer('Devices whose thing is still to be looked up or made.'), failing: errorSchema }, ['failing'], { description: 'Registration of devices.' }),
};

const liveOptional = ['startupTime', 'since', 'lastError', 'pending', 'sessions', 'inFlight', 'connects', 'downlinks', 'certificate', 'things'];

export const connectionAnswer = (description: string): Schema => {
  const given = givenProperties('connection');
  const properties = {
    ...given,
    id: text('Names it.'),
    active: { type: 'boolean', description: '`false`: messages are accepted and kept, none is published.' },
    alarms: { type: 'array', description: 'Calendar windows in which a minimum rate of messages is expected.' },
    configuration: { type: 'object', additionalProperties: true, description: maskedNote },
    ...liveProperties,
    ...shownProperties,
  };
  const optional = [...Object.keys(given).filter((key) => !['id', 'active', 'alarms'].includes(key)), ...liveOptional, ...shownOptional];
  return object(properties, optional, { description });
};

const errorJson = ({ reason: why, detail, time: when }: LiveError): JsonObject => ({ reason: why, ...(detail === undefined ? {} : { detail }), time: isoTime(when) });

/** The keys `lastError` or `failing`, where there is one. */
export const errorKey = (key: string, error: LiveError | undefined): JsonObject => (error === undefined ? {} : { [key]: errorJson(error) });

const dayMs = 86_400_000;

const certificateJson = (pem: string): JsonObject => {
  try {
    const certificate = readCertificate(pemText(pem));
    const until = Date.parse(certificate.validTo);
    return { certificate: { subject: certificateLabel(certificate), validUntil: isoTime(until), daysLeft: Math.floor((until - Date.now()) / dayMs) } };
  } catch (error) {
    if (error instanceof BridgeError) return {};
    throw error;
  }
};

const certificateOf = ({ configuration }: JsonObject): JsonObject => {
  const pem = isJsonObject(configuration) ? configuration['certificate'] : undefined;
  return typeof pem === 'string' ? certificateJson(pem) : {};
};

const liveJson = ({ state: now, since, startupTime, lastError, pending, sessions, inFlight, connects, downlinks, things }: ConnectionLive): JsonObject => ({
  state: now,
  ...(startupTime === undefined ? {} : { startupTime: isoTime(startupTime) }),
  since: isoTime(since),
  ...errorKey('lastError', lastError),
  pending: { messages: pending.messages, bytes: pending.bytes },
  sessions,
  inFlight,
  connects,
  ...(downlinks === undefined ? {} : { downlinks: { state: downlinks.state, since: isoTime(downlinks.since), ...errorKey('lastError', downlinks.lastError) } }),
  ...(things === undefined ? {} : { things: { pending: things.pending, ...errorKey('failing', things.failing) } }),
});

/** What ThingPark X IoT Flow shows of a connection, and more. One that does not run has a state all the same. */
export const showConnection = (view: ResourceView, live: ConnectionLive | undefined): JsonObject => {
  const { id, active, document } = view;
  const running = live === undefined ? { state: active ? 'CLOSED' : 'DEACTIVATED' } : liveJson(live);
  return { ...document, id, active, alarms: document['alarms'] ?? [], ...running, ...certificateOf(document), ...shownKeysOf(view) };
};
