import type { LocationFields, MessageFields } from '../../messages/message.js';
import { restOf } from '../entries.js';
import { required, textField, type Fields } from '../fields.js';
import { jsonDigest, readJsonBody } from '../json-body.js';
import type { NetworkServerAdapter, ParsedMessage } from '../network-server.js';
import { positionField } from '../position.js';
import { parseDownlink, parseDownlinkFailed, parseDownlinkNack, parseQueueInvalidated } from './downlink-status.js';
import { addressOf } from './downlink-address.js';
import { credentialsOf } from './downlink.js';
import { commonFields, parsedMessage, readEnvelope, type Envelope, type MessageName } from './envelope.js';
import { readEndDevice } from './ids.js';
import { parseNormalizedUplink, parseUplink } from './uplink.js';

/** What comes around once has its content and time as identity. */
const single = (envelope: Envelope, fields: MessageFields): ParsedMessage[] =>
  [parsedMessage(envelope, fields, [envelope.correlationId ?? envelope.receivedAt?.iso ?? '', jsonDigest(envelope.message.value)])];

const joinUsed = new Set(['attributes']);

const parseJoin = (envelope: Envelope): ParsedMessage[] => {
  const session = textField(envelope.message, 'session_key_id');
  const fields: MessageFields = { type: 'join', ...commonFields(envelope, restOf(envelope.message, joinUsed)) };
  // A join makes a session, and a session is made by one join.
  return session === undefined ? single(envelope, fields) : [parsedMessage(envelope, fields, [session])];
};

const locationUsed = new Set(['location']);

const parseLocation = (envelope: Envelope): ParsedMessage[] => {
  const { message } = envelope;
  const fields: LocationFields = {
    type: 'location',
    ...commonFields(envelope, restOf(message, locationUsed)),
    position: required(positionField(message, 'location'), message, 'location'),
  };
  return single(envelope, fields);
};

/** What an application package says: its name is in `native.service`, its words in `native.data`. */
const parseService = (envelope: Envelope): ParsedMessage[] =>
  single(envelope, { type: 'status', ...commonFields(envelope, envelope.message.value), event: 'service' });

const parsers: Readonly<Record<MessageName, (envelope: Envelope) => ParsedMessage[]>> = {
  uplink_message: parseUplink,
  uplink_normalized: parseNormalizedUplink,
  join_accept: parseJoin,
  downlink_queued: parseDownlink('submitted'),
  downlink_sent: parseDownlink('sent'),
  downlink_ack: parseDownlink('acknowledged'),
  downlink_nack: parseDownlinkNack,
  downlink_failed: parseDownlinkFailed,
  downlink_queue_invalidated: parseQueueInvalidated,
  location_solved: parseLocation,
  service_data: parseService,
};

/**
 * The Things Stack v3 webhooks, format JSON: one POST a message, which of the eleven it is told by the key that is there
 * (`ApplicationUp` in `messages.proto`). The protobuf format is refused by its media type.
 */
export const theThingsStack: NetworkServerAdapter<Fields> = {
  kind: 'the-things-stack',
  methods: ['POST'],
  mediaTypes: ['application/json'],
  read: (request) => readJsonBody(request),
  parse: (root, request, { downlinkHosts }) => {
    const envelope = readEnvelope(root, request);
    const address = addressOf(envelope.device, request.headers, downlinkHosts);
    return parsers[envelope.name](envelope).map((message) => ({ address, ...message }));
  },
  credentials: (root, request) => credentialsOf(readEndDevice(root, request).applicationId, request.headers),
};
