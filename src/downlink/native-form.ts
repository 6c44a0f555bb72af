import { checkCorrelationId, checkDevice, fPortAt } from './common-form.js';
import { flagAt, has, instantOf, isObject, textAt, wrong, type DocumentObject } from './document.js';
import { draftOrRejection, type DownlinkDraft, type ParseContext, type ParsedDownlink } from './downlink-draft.js';
import { payloadText, type PayloadEncoding } from './payload-text.js';

const keys: ReadonlySet<string> = new Set(['fPort', 'payload', 'payloadEncoding', 'confirmed', 'flush', 'validUntil', 'correlationId', 'deviceId', 'devEui']);

/** A misspelt key must not pass in silence: a downlink without its `validUntil` is another downlink. */
const checkKeys = (root: DocumentObject): void => {
  const unknown = Object.keys(root.value).find((key) => !keys.has(key));
  if (unknown !== undefined) wrong(root, unknown.slice(0, 64), `is no key of a downlink; there are ${[...keys].join(', ')}`);
};

const encodingAt = (root: DocumentObject): PayloadEncoding | undefined => {
  const value = textAt(root, 'payloadEncoding');
  if (value === undefined || value === 'hex' || value === 'base64') return value;
  return wrong(root, 'payloadEncoding', 'must be hex or base64');
};

const payloadAt = (root: DocumentObject): Pick<DownlinkDraft, 'payload' | 'object'> => {
  const encoding = encodingAt(root);
  const value = root.value['payload'];
  if (!has(root, 'payload')) return wrong(root, 'payload', 'is required');
  if (!isObject(value)) return { payload: payloadText(root, 'payload', encoding ?? 'either') };
  return encoding === undefined ? { object: value } : wrong(root, 'payloadEncoding', 'goes with a text payload only');
};

const validityAt = (root: DocumentObject): Pick<DownlinkDraft, 'validUntil'> => {
  const text = textAt(root, 'validUntil');
  if (text === undefined) return {};
  return { validUntil: instantOf(text) ?? wrong(root, 'validUntil', 'must be an ISO 8601 date and time') };
};

const correlationIdAt = (root: DocumentObject): string | undefined => {
  const text = textAt(root, 'correlationId');
  return text === undefined ? undefined : checkCorrelationId('correlationId', text);
};

/** The bridge's own form, `{ fPort, payload, confirmed, flush, validUntil, correlationId }`: one downlink. */
export const parseNativeForm = (root: DocumentObject, { deviceId }: ParseContext): readonly ParsedDownlink[] => [
  draftOrRejection(
    () => correlationIdAt(root),
    () => {
      checkKeys(root);
      for (const key of ['deviceId', 'devEui']) checkDevice(root, key, deviceId);
      return {
        ...fPortAt(root, 'fPort'),
        fPortField: 'fPort',
        ...payloadAt(root),
        confirmed: flagAt(root, 'confirmed') ?? false,
        flush: flagAt(root, 'flush') ?? false,
        ...validityAt(root),
      };
    },
  ),
];
