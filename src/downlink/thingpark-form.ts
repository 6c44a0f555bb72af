import { checkCorrelationId, checkDevice, fPortAt } from './common-form.js';
import { flagAt, has, instantOf, integerAt, objectAt, pathOf, textAt, wrong, type DocumentObject } from './document.js';
import { draftOrRejection, type DownlinkDraft, type ParseContext, type ParsedDownlink } from './downlink-draft.js';
import { payloadText } from './payload-text.js';

export const thingParkKey = 'DevEUI_downlink';

const counter = { min: 0, max: 0xffff_ffff };
/** Longest validity time in seconds: ten years. */
const maxValiditySeconds = 315_360_000;

const payloadAt = (body: DocumentObject): Pick<DownlinkDraft, 'payload' | 'object'> => {
  const hasHex = has(body, 'payload_hex');
  const object = objectAt(body, 'payload');
  if (hasHex && object !== undefined) return wrong(body, 'payload', 'must not be there beside payload_hex');
  if (object !== undefined) return { object: object.value };
  return hasHex ? { payload: payloadText(body, 'payload_hex', 'hex') } : wrong(body, 'payload_hex', 'is required, or payload');
};

/** ValidityTime: an ISO 8601 time, or seconds from now. */
const validityAt = (body: DocumentObject, receivedAt: number): Pick<DownlinkDraft, 'validUntil'> => {
  const text = textAt(body, 'ValidityTime');
  if (text === undefined) return {};
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
  if (seconds === undefined) return { validUntil: instantOf(text) ?? wrong(body, 'ValidityTime', 'must be an ISO 8601 date and time, or seconds') };
  if (seconds <= 0 || seconds > maxValiditySeconds) return wrong(body, 'ValidityTime', `must be more than 0 and at most ${maxValiditySeconds} seconds`);
  return { validUntil: receivedAt + Math.round(seconds * 1000) };
};

/** What only ThingPark understands, under its own names. AS_ID, AS_KEY, Token and Time are left out: the bridge signs by itself. */
const optionsAt = (body: DocumentObject): Pick<DownlinkDraft, 'options'> => {
  const options = {
    FCntDn: integerAt(body, 'FCntDn', counter),
    AFCntDn: integerAt(body, 'AFCntDn', counter),
    RetryIneligibleGateways: flagAt(body, 'RetryIneligibleGateways'),
    DriverCfg: objectAt(body, 'DriverCfg')?.value,
  };
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return given.length === 0 ? {} : { options: Object.fromEntries(given) };
};

const correlationIdAt = (body: DocumentObject): string | undefined => {
  const text = textAt(body, 'CorrelationID');
  return text === undefined ? undefined : checkCorrelationId(pathOf(body, 'CorrelationID'), text);
};

/** ThingPark's `{ "DevEUI_downlink": … }`: one downlink. Keys that it does not know are ThingPark's business. */
export const parseThingParkForm = (root: DocumentObject, { deviceId, receivedAt }: ParseContext): readonly ParsedDownlink[] => {
  const body = objectAt(root, thingParkKey) ?? wrong(root, thingParkKey, 'must be an object');
  const draft = draftOrRejection(
    () => correlationIdAt(body),
    () => {
      checkDevice(body, 'DevEUI', deviceId);
      return {
        ...fPortAt(body, 'FPort'),
        fPortField: pathOf(body, 'FPort'),
        ...payloadAt(body),
        confirmed: flagAt(body, 'Confirmed') ?? false,
        flush: flagAt(body, 'FlushDownlinkQueue') ?? false,
        ...validityAt(body, receivedAt),
        ...optionsAt(body),
      };
    },
  );
  return [draft];
};
