import type { Message, MessageType } from '../messages/message.js';

/** Both ends included. */
export interface Range<T> {
  readonly from: T;
  readonly to: T;
}

/** Conditions of a flow that must all hold; one that is absent always does. */
export interface Matcher {
  /** All of them must be there: `tag`, or `key=value` for a network server with key-value tags. */
  readonly tags?: readonly string[];
  /** Device ids in lower case; a range holds ids of its own length only. */
  readonly devices?: readonly Range<string>[];
  /** Names or ids of applications. */
  readonly applications?: readonly string[];
  readonly fPorts?: readonly Range<number>[];
  readonly types?: readonly MessageType[];
}

/** Where ThingPark's tags are kept when two of them have the same key. */
const plainTags = ({ native }: Message): readonly unknown[] => {
  const customer = native?.['CustomerData'];
  const tags: unknown = typeof customer === 'object' && customer !== null && 'tags' in customer ? customer.tags : undefined;
  return Array.isArray(tags) ? tags : [];
};

const hasTag = (message: Message, tag: string): boolean => {
  const { tags } = message.device ?? {};
  if (tags === undefined) return plainTags(message).includes(tag);
  if (Object.hasOwn(tags, tag)) return true;
  const separator = tag.search(/[=:]/);
  return separator > 0 && tags[tag.slice(0, separator)] === tag.slice(separator + 1);
};

const isDevice = (id: string, { from, to }: Range<string>): boolean => id.length === from.length && id >= from && id <= to;

const ofApplication = ({ device }: Message, applications: readonly string[]): boolean =>
  [device?.application, device?.applicationId].some((name) => name !== undefined && applications.includes(name));

const fPortOf = (message: Message): number | undefined => ('fPort' in message ? message.fPort : undefined);

/** Whether every condition holds for the message. */
export const matches = (message: Message, { tags, devices, applications, fPorts, types }: Matcher): boolean => {
  if (types !== undefined && !types.includes(message.type)) return false;
  if (devices !== undefined && !devices.some((range) => isDevice(message.deviceId, range))) return false;
  const fPort = fPortOf(message);
  if (fPorts !== undefined && !fPorts.some(({ from, to }) => fPort !== undefined && fPort >= from && fPort <= to)) return false;
  if (applications !== undefined && !ofApplication(message, applications)) return false;
  return tags === undefined || tags.every((tag) => hasTag(message, tag));
};
