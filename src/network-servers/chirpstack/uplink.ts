import type { UplinkFields } from '../../messages/message.js';
import { jsonValue } from '../body-text.js';
import { isEmpty, type Building } from '../entries.js';
import { base64Field, booleanField, integerField, isObject, textField, type Fields } from '../fields.js';
import { commonFields, type Envelope } from './envelope.js';
import { readRadio } from './radio.js';

const used = new Set(['fPort', 'fCnt', 'data', 'adr', 'confirmed', 'confirmedUplink', 'object', 'rxInfo', 'txInfo']);
const usedWithText = new Set([...used, 'objectJSON']);

/** `up`. ChirpStack 4 before 4.1 leaves out what is 0, false or empty; ChirpStack 3 and later releases of 4 write it. */
export const parseUplink = (envelope: Envelope): UplinkFields => {
  const { root, version } = envelope;
  const payload = base64Field(root, 'data') ?? '';
  const { radio, txInfo } = readRadio(envelope);
  const decoded = decodedOf(root);
  const absentIsFalse = version === 4 ? false : undefined;
  const uplink = commonFields(envelope, decoded.fromText ? usedWithText : used, txInfo) as Building<UplinkFields>;
  uplink.type = 'uplink';
  if (radio !== undefined) uplink.radio = radio;
  // No FRMPayload and no FPort: the frame had none on the air either (LoRaWAN 1.0.4, 4.3.2).
  const fPort = integerField(root, 'fPort', 0, 255) ?? (payload === '' ? undefined : 0);
  if (fPort !== undefined) uplink.fPort = fPort;
  uplink.fCnt = integerField(root, 'fCnt', 0, 0xffff_ffff) ?? 0;
  const confirmed = booleanField(root, 'confirmed') ?? booleanField(root, 'confirmedUplink') ?? absentIsFalse;
  if (confirmed !== undefined) uplink.confirmed = confirmed;
  const adr = booleanField(root, 'adr') ?? absentIsFalse;
  if (adr !== undefined) uplink.adr = adr;
  if (isEncrypted(root)) uplink.encrypted = true;
  if (decoded.value !== undefined) uplink.decoded = decoded.value;
  uplink.payload = payload;
  return uplink;
};

/** A join-server context is there when the join server kept the AppSKey to itself, so that ChirpStack could not decrypt `data`. */
const isEncrypted = (root: Fields): boolean => {
  const context = root.value['joinServerContext'];
  return isObject(context) && !isEmpty(context);
};

interface Decoded {
  readonly value: unknown;
  /** Whether `objectJSON` was read, so that it need not be kept. */
  readonly fromText: boolean;
}

/** `object` (ChirpStack 4 and marshaler JSON_V3) or `objectJSON`, a text; one that is no JSON, or nested too deep, stays as it is in `native`. */
const decodedOf = (root: Fields): Decoded => {
  const object = root.value['object'] ?? undefined;
  if (object !== undefined) return { value: object, fromText: false };
  const text = textField(root, 'objectJSON');
  if (text === undefined) return { value: undefined, fromText: false };
  try {
    return { value: jsonValue(text) ?? undefined, fromText: true };
  } catch {
    return { value: undefined, fromText: false };
  }
};
