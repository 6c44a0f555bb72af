import { fieldError } from '../../errors.js';
import { isObject, type Fields } from '../fields.js';
import { readJsonBody } from '../json-body.js';
import type { NetworkServerAdapter } from '../network-server.js';
import { parsedMessage, type Envelope } from './envelope.js';
import { eventNameOf } from './event-name.js';
import { parseDiscarded } from './discarded.js';
import { eventParsers } from './events.js';
import { readEnvelope3 } from './v3.js';
import { readEnvelope4 } from './v4.js';

/** ChirpStack 4 has the device in `deviceInfo`, ChirpStack 3 has `devEUI` at the root. @throws invalid_field */
const readEnvelope = (root: Fields): Envelope => {
  if (isObject(root.value['deviceInfo'])) return readEnvelope4(root);
  if (root.value['devEUI'] !== undefined) return readEnvelope3(root);
  throw fieldError('deviceInfo', 'must be an object (ChirpStack 4); nor is there a devEUI (ChirpStack 3)');
};

/**
 * The HTTP integration of ChirpStack 4 and 3 with JSON payloads: one POST an event, named by `?event=`. The protobuf payloads
 * (`application/octet-stream`) are refused by their media type.
 */
export const chirpstack: NetworkServerAdapter<Fields> = {
  kind: 'chirpstack',
  methods: ['POST'],
  mediaTypes: ['application/json'],
  read: (request) => readJsonBody(request),
  parse: (root, request) => {
    const event = eventNameOf(request);
    const envelope = readEnvelope(root);
    const message = parsedMessage(envelope, event, eventParsers[event](envelope));
    const discarded = parseDiscarded(envelope, event);
    return discarded === undefined ? [message] : [message, { ...message, fields: discarded, idempotencyKey: `${message.idempotencyKey}|discarded` }];
  },
};
