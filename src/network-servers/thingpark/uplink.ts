import { present } from '../entries.js';
import { booleanField, hexField, integerField, textField, type Fields } from '../fields.js';
import type { ParsedMessage } from '../network-server.js';
import { commonFields, deviceIdentity, devicePosition, documentTime, keyOf, positionKeys } from './common-fields.js';

/** MType of the MAC header (LoRaWAN 1.0.4, 4.2.1): 0 join request, 2 unconfirmed and 4 confirmed data up. */
const isJoinRequest = (body: Fields): boolean => textField(body, 'rawJoinRequest') !== undefined || textField(body, 'MType') === '0';

const isConfirmed = (body: Fields): boolean | undefined => {
  const mType = integerField(body, 'MType', 0, 7);
  return mType === 2 || mType === 4 ? mType === 4 : booleanField(body, 'AckRequested');
};

/** JoinEUI of a Join-request frame: bytes 1 to 8, least significant first (LoRaWAN 1.0.4, 6.2.2). */
const joinEuiOf = (frame: string | undefined): string | undefined =>
  frame?.length === 46 ? Buffer.from(frame.slice(2, 18), 'hex').reverse().toString('hex') : undefined;

const joinRequest = (body: Fields): ParsedMessage => {
  const instant = documentTime(body);
  const joinEui = joinEuiOf(hexField(body, 'rawJoinRequest'));
  const common = commonFields(body, { identity: deviceIdentity(body), instant });
  return {
    fields: { type: 'join', ...common, ...(joinEui === undefined ? {} : { joinEui }) },
    idempotencyKey: keyOf('join', body, ['Time', 'mic_hex']),
    eventTimeMs: instant.ms,
  };
};

/** Read into fields of ours. MType and AckRequested stay in `native` too: they may contradict each other. */
const used = ['FPort', 'FCntUp', 'ADRbit', 'payload_hex', 'payload', 'PayloadEncryption'];

const frameFields = (body: Fields) =>
  present({
    fPort: integerField(body, 'FPort', 0, 255),
    fCnt: integerField(body, 'FCntUp', 0, 0xffffffff),
    confirmed: isConfirmed(body),
    // An ADR bit of 0 is left out of the document.
    adr: booleanField(body, 'ADRbit') ?? false,
    payload: hexField(body, 'payload_hex') ?? '',
    encrypted: booleanField(body, 'PayloadEncryption'),
    decoded: body.value.payload === '' ? undefined : (body.value.payload ?? undefined),
  });

/** DevEUI_uplink: an uplink, or a join when it carries a join request. */
export const readUplink = (body: Fields): ParsedMessage => {
  const identity = deviceIdentity(body);
  if (isJoinRequest(body)) return joinRequest(body);
  const instant = documentTime(body);
  const position = devicePosition(body);
  const common = commonFields(body, { identity, instant, used: position === undefined ? used : [...used, ...positionKeys] });
  return {
    fields: { type: 'uplink', ...common, ...frameFields(body), ...(position === undefined ? {} : { position }) },
    idempotencyKey: keyOf('uplink', body, ['Time', 'FCntUp', 'FPort']),
    eventTimeMs: instant.ms,
  };
};
