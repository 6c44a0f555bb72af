import type { Position, UplinkFields } from '../../messages/message.js';
import { merged, present, restOf } from '../entries.js';
import { base64Field, booleanField, integerField, objectField, textField, type Fields } from '../fields.js';
import { jsonDigest } from '../json-body.js';
import type { ParsedMessage } from '../network-server.js';
import { positionField } from '../position.js';
import { commonFields, parsedMessage, type Envelope } from './envelope.js';
import { readRadio } from './radio.js';

const maxFCnt = 0xffff_ffff;
const used = new Set(['f_port', 'f_cnt', 'frm_payload', 'decoded_payload', 'confirmed', 'rx_metadata', 'settings', 'attributes']);

/** `uplink_message`. A field that is not there is 0, false or empty: The Things Stack leaves those out. */
export const parseUplink = (envelope: Envelope): ParsedMessage[] => {
  const fields = uplinkFields(envelope, 'decoded_payload', restOf(envelope.message, used));
  return [parsedMessage(envelope, fields, uplinkIdentity(envelope, fields))];
};

const normalizedUsed = new Set([...used, 'normalized_payload']);

/** `uplink_normalized`: one measurement of an uplink that comes as `uplink_message` too; there may be several with one FCnt. */
export const parseNormalizedUplink = (envelope: Envelope): ParsedMessage[] => {
  const fields = uplinkFields(envelope, 'normalized_payload', merged(restOf(envelope.message, normalizedUsed) ?? {}, { normalized: true }));
  return [parsedMessage(envelope, fields, [...uplinkIdentity(envelope, fields), jsonDigest(fields.decoded ?? null)])];
};

const uplinkFields = (envelope: Envelope, decodedKey: string, rest: Readonly<Record<string, unknown>> | undefined): UplinkFields => {
  const { message } = envelope;
  const payload = base64Field(message, 'frm_payload') ?? '';
  const { radio, settings } = readRadio(message);
  return {
    type: 'uplink',
    ...commonFields(envelope, settings === undefined ? rest : merged(rest ?? {}, { settings })),
    ...present({
      radio,
      // FPort is absent on the air in a frame without FRMPayload (LoRaWAN 1.0.4, 4.3.2), where The Things Stack sends nothing either.
      fPort: integerField(message, 'f_port', 0, 255) ?? (payload === '' ? undefined : 0),
      fCnt: integerField(message, 'f_cnt', 0, maxFCnt) ?? 0,
      confirmed: booleanField(message, 'confirmed') ?? false,
      encrypted: objectField(message, 'app_s_key') === undefined ? undefined : true,
      decoded: objectField(message, decodedKey)?.value,
      position: firstPosition(message),
    }),
    payload,
  };
};

/** The Things Stack keeps a position for each source (`user`, `frm-payload`, …): the first one that is known. All stay in `native`. */
const firstPosition = (message: Fields): Position | undefined => {
  const locations = objectField(message, 'locations');
  if (locations === undefined) return undefined;
  for (const source of Object.keys(locations.value)) {
    const position = positionField(locations, source);
    if (position !== undefined) return position;
  }
  return undefined;
};

/**
 * Session and FCnt alone would make an ABP device's uplinks duplicates after it resets its counter, and every uplink where a
 * field mask cuts `f_cnt` out; so the message's own id or the time of reception goes with them. A retry repeats both.
 */
const uplinkIdentity = (envelope: Envelope, fields: UplinkFields): unknown[] => {
  const { message, correlationId } = envelope;
  const moment = correlationId ?? textField(message, 'received_at') ?? envelope.receivedAt?.iso;
  const session = textField(message, 'session_key_id') ?? '';
  const frame = session === '' || moment === undefined ? [fields.fPort ?? '', jsonDigest(fields.payload)] : [];
  return [session, fields.fCnt, moment ?? '', ...frame];
};
