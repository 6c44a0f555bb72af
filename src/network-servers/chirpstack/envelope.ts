import type { CommonFields, MessageFields } from '../../messages/message.js';
import { addRest, copyOf, isEmpty, type Building } from '../entries.js';
import { type Fields, type Instant } from '../fields.js';
import { jsonDigest } from '../json-body.js';
import type { ParsedMessage } from '../network-server.js';
import type { EventName } from './event-name.js';

/** An event with the differences between ChirpStack 3 and 4 taken out as far as they concern all events. */
export interface Envelope {
  readonly version: 3 | 4;
  readonly root: Fields;
  /** Keys of the root that `common` holds already. */
  readonly used: ReadonlySet<string>;
  readonly common: CommonFields;
  /** ChirpStack 4's UUID of what caused the event; one uplink may cause several events with the same one. */
  readonly deduplicationId: string | undefined;
  readonly time: Instant | undefined;
  /** What is left of the device's description. */
  readonly native: Readonly<Record<string, unknown>>;
}

/** The fields that every message has; what neither these nor `used` hold goes into `native`, and what is left of `txInfo` too. An object of the caller's own, to which it may add. */
export const commonFields = ({ common, root, native, used: usedBefore }: Envelope, used: ReadonlySet<string>, txInfo?: Readonly<Record<string, unknown>>): Building<CommonFields> => {
  const all: Record<string, unknown> = copyOf(native);
  addRest(all, root, usedBefore, used);
  if (txInfo !== undefined) all['txInfo'] = txInfo;
  const fields = copyOf(common);
  if (!isEmpty(all)) fields.native = all;
  return fields;
};

/** Which of the downlink APIs a device's network server has. */
const addresses: Readonly<Record<3 | 4, NonNullable<ParsedMessage['address']>>> = { 3: { api: 'v3' }, 4: { api: 'v4' } };

/**
 * A finished message. ChirpStack posts once and never again, so a repetition comes from something in between and has the same
 * bytes. Of an uplink there is one `up` and one `join` at most, so the deduplication id is enough for these.
 */
export const parsedMessage = (envelope: Envelope, event: EventName, fields: MessageFields): ParsedMessage => {
  const { deduplicationId, root, time, version } = envelope;
  const unique = deduplicationId !== undefined && (event === 'up' || event === 'join');
  return {
    fields,
    idempotencyKey: JSON.stringify([event, deduplicationId ?? '', ...(unique ? [] : [jsonDigest(root.value)])]),
    address: addresses[version],
    ...(time === undefined ? {} : { eventTimeMs: time.ms }),
  };
};
