import type { DownlinkStatusFields } from '../../messages/message.js';
import { present } from '../entries.js';
import { integerField, objectField, textField } from '../fields.js';
import { commonFields, type Envelope } from './envelope.js';
import type { EventName } from './event-name.js';

/**
 * Codes with which ChirpStack 4 takes an item out of the device's queue, and names it in `context.queue_item_id`
 * (`chirpstack/src/downlink/data.rs`). DOWNLINK_GATEWAY is none of them: a gateway refused one transmission and the item stays.
 */
const discarding4: ReadonlyMap<string, DownlinkStatusFields['state']> = new Map([
  ['DOWNLINK_PAYLOAD_SIZE', 'failed'],
  ['F_CNT_DOWN', 'failed'],
  ['EXPIRED', 'expired'],
]);

/** The same of ChirpStack 3, where `fCnt` names the item. */
const discarding3: ReadonlySet<string> = new Set(['DOWNLINK_PAYLOAD_SIZE', 'DOWNLINK_FCNT']);

const status = (envelope: Envelope, own: Pick<DownlinkStatusFields, 'state' | 'event' | 'fCnt' | 'correlationIds'>, cause: { readonly code: string; readonly text: string | undefined }): DownlinkStatusFields => ({
  type: 'downlink-status',
  ...commonFields(envelope, new Set(['level', 'code', 'description', 'type', 'error', 'fCnt'])),
  ...own,
  cause: present(cause),
});

const discarded4 = (envelope: Envelope): DownlinkStatusFields | undefined => {
  const code = textField(envelope.root, 'code') ?? '';
  const state = discarding4.get(code);
  const context = state === undefined ? undefined : objectField(envelope.root, 'context');
  const id = context === undefined ? undefined : textField(context, 'queue_item_id');
  if (state === undefined || id === undefined) return undefined;
  return status(envelope, { state, event: 'log', correlationIds: [id] }, { code, text: textField(envelope.root, 'description') });
};

const discarded3 = (envelope: Envelope): DownlinkStatusFields | undefined => {
  const code = textField(envelope.root, 'type') ?? '';
  if (!discarding3.has(code)) return undefined;
  const fCnt = integerField(envelope.root, 'fCnt', 0, 0xffff_ffff) ?? 0;
  return status(envelope, { state: 'failed', event: 'error', fCnt }, { code, text: textField(envelope.root, 'error') });
};

/** Beside the alarm of a `log` or `error` event: the end of a downlink that ChirpStack threw away. */
export const parseDiscarded = (envelope: Envelope, event: EventName): DownlinkStatusFields | undefined => {
  if (event === 'log' && envelope.version === 4) return discarded4(envelope);
  return event === 'error' && envelope.version === 3 ? discarded3(envelope) : undefined;
};
