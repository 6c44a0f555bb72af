import { fieldError } from '../errors.js';
import { checkCorrelationId, checkDevice, fPortAt } from './common-form.js';
import { flagAt, has, isObject, objectAt, pathOf, textAt, wrong, type DocumentObject } from './document.js';
import { draftOrRejection, rejectionOf, type DownlinkDraft, type ParseContext, type ParsedDownlink } from './downlink-draft.js';
import { payloadText } from './payload-text.js';

export const theThingsStackKey = 'downlinks';

/** Most downlinks in one message: all of them are stored before AWS is told, in bounded time. */
const maxDownlinks = 500;

/** TxSchedulePriority of the Application Server's API. */
const priorities: ReadonlySet<string> = new Set(['LOWEST', 'LOW', 'BELOW_NORMAL', 'NORMAL', 'ABOVE_NORMAL', 'HIGH', 'HIGHEST']);

const payloadAt = (downlink: DocumentObject): Pick<DownlinkDraft, 'payload' | 'object'> => {
  const hasBytes = has(downlink, 'frm_payload');
  const object = objectAt(downlink, 'decoded_payload');
  if (hasBytes && object !== undefined) return wrong(downlink, 'decoded_payload', 'must not be there beside frm_payload');
  if (object !== undefined) return { object: object.value };
  return hasBytes ? { payload: payloadText(downlink, 'frm_payload', 'base64') } : wrong(downlink, 'frm_payload', 'is required, or decoded_payload');
};

const priorityAt = (downlink: DocumentObject): string | undefined => {
  const priority = textAt(downlink, 'priority');
  return priority === undefined || priorities.has(priority) ? priority : wrong(downlink, 'priority', `must be one of ${[...priorities].join(', ')}`);
};

const correlationIdsAt = (downlink: DocumentObject): readonly string[] => {
  if (!has(downlink, 'correlation_ids')) return [];
  const ids = downlink.value['correlation_ids'];
  const path = pathOf(downlink, 'correlation_ids');
  if (!Array.isArray(ids)) throw fieldError(path, 'must be a list of texts');
  return ids.map((id: unknown, index) => {
    if (typeof id !== 'string' || id === '') throw fieldError(`${path}[${index}]`, 'must be text');
    return checkCorrelationId(`${path}[${index}]`, id);
  });
};

/** What only The Things Stack understands, under its own names. */
const optionsAt = (downlink: DocumentObject): Pick<DownlinkDraft, 'options'> => {
  const ids = correlationIdsAt(downlink);
  const options = {
    priority: priorityAt(downlink),
    class_b_c: objectAt(downlink, 'class_b_c')?.value,
    confirmed_retry: objectAt(downlink, 'confirmed_retry')?.value,
    correlation_ids: ids.length === 0 ? undefined : ids,
  };
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return given.length === 0 ? {} : { options: Object.fromEntries(given) };
};

const checkDeviceOf = (root: DocumentObject, deviceId: string): void => {
  const ids = objectAt(root, 'end_device_ids');
  if (ids !== undefined) checkDevice(ids, 'dev_eui', deviceId);
};

const parseOne = (root: DocumentObject, downlink: DocumentObject, { deviceId }: ParseContext): ParsedDownlink =>
  draftOrRejection(
    () => correlationIdsAt(downlink)[0],
    () => {
      checkDeviceOf(root, deviceId);
      return {
        ...fPortAt(downlink, 'f_port'),
        fPortField: pathOf(downlink, 'f_port'),
        ...payloadAt(downlink),
        confirmed: flagAt(downlink, 'confirmed') ?? false,
        flush: false,
        ...optionsAt(downlink),
      };
    },
  );

/** The Things Stack's `{ "downlinks": […] }`: each stands for itself, so a wrong one does not keep the others back. */
export const parseTheThingsStackForm = (root: DocumentObject, context: ParseContext): readonly ParsedDownlink[] => {
  const list = root.value[theThingsStackKey];
  if (!Array.isArray(list) || list.length === 0 || list.length > maxDownlinks) {
    return wrong(root, theThingsStackKey, `must be a list of 1 to ${maxDownlinks} downlinks`);
  }
  return list.map((value: unknown, index) => {
    const path = `${theThingsStackKey}[${index}]`;
    return isObject(value) ? parseOne(root, { path, value }, context) : rejectionOf(fieldError(path, 'must be an object'));
  });
};
