import { BridgeError } from '../../errors.js';
import type { CommonFields, MessageFields } from '../../messages/message.js';
import { merged, present, restOf } from '../entries.js';
import { objectField, textList, textMap, timeField, type Fields, type Instant } from '../fields.js';
import type { ParsedMessage, WebhookRequest } from '../network-server.js';
import { readEndDevice, type EndDevice } from './ids.js';

/** The messages that an application gets: the `oneof up` of ApplicationUp in The Things Stack's `messages.proto`. */
export const messageNames = [
  'uplink_message', 'uplink_normalized', 'join_accept', 'downlink_ack', 'downlink_nack', 'downlink_sent', 'downlink_failed',
  'downlink_queued', 'downlink_queue_invalidated', 'location_solved', 'service_data',
] as const;
export type MessageName = (typeof messageNames)[number];

/** What stands around every message, and the message itself. */
export interface Envelope {
  readonly name: MessageName;
  readonly message: Fields;
  readonly device: EndDevice;
  /** When the Application Server received it; the Network Server's time where only that is told. */
  readonly receivedAt: Instant | undefined;
  /** The Application Server's own id of this message (`as:up:…`), where it sends one. */
  readonly correlationId: string | undefined;
  /** What is left of the root. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** @throws invalid_field, unsupported_document when the root holds none of the messages */
export const readEnvelope = (root: Fields, request: WebhookRequest): Envelope => {
  const name = messageNames.find((key) => root.value[key] !== undefined && root.value[key] !== null);
  const message = name === undefined ? undefined : objectField(root, name);
  if (name === undefined || message === undefined) throw unsupported(root);
  return {
    name,
    message,
    device: readEndDevice(root, request),
    receivedAt: timeField(root, 'received_at') ?? timeField(message, 'received_at'),
    correlationId: textList(root, 'correlation_ids').find((id) => id.startsWith('as:up:')),
    rest: restOf(root, new Set(['end_device_ids', 'received_at', name])) ?? {},
  };
};

const unsupported = (root: Fields): BridgeError => {
  const keys = Object.keys(root.value).slice(0, 10).map((key) => key.slice(0, 40));
  return new BridgeError('unsupported_document', { detail: `none of the messages of The Things Stack is among its keys: ${keys.join(', ')}` });
};

/** Of these messages `attributes` are the device's; of a location they describe how it was solved. */
const isTagged = ({ name }: Envelope): boolean => name === 'uplink_message' || name === 'uplink_normalized' || name === 'join_accept';

/** The fields that every message has. `native` is what is left of the message itself; what is left of the root joins it. */
export const commonFields = (envelope: Envelope, native: Readonly<Record<string, unknown>> | undefined): CommonFields => {
  const { deviceId, name, applicationId, devEui, joinEui, devAddr } = envelope.device;
  const device = present({ name, application: applicationId, applicationId, tags: isTagged(envelope) ? textMap(envelope.message, 'attributes') : undefined });
  const all = merged(native ?? {}, envelope.rest);
  return present({
    deviceId,
    devEui,
    time: envelope.receivedAt?.iso,
    joinEui,
    devAddr,
    device: Object.keys(device).length === 0 ? undefined : device,
    native: Object.keys(all).length === 0 ? undefined : all,
  });
};

/** A finished message; `identity` is what tells it from other messages of the same name, device and application. */
export const parsedMessage = (envelope: Envelope, fields: MessageFields, identity: readonly unknown[]): ParsedMessage => ({
  fields,
  idempotencyKey: JSON.stringify([envelope.name, envelope.device.applicationId ?? '', envelope.rest['simulated'] === true ? 'simulated' : '', ...identity]),
  ...(envelope.receivedAt === undefined ? {} : { eventTimeMs: envelope.receivedAt.ms }),
});
