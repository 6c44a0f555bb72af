import { fieldError } from '../../errors.js';
import type { Downlink } from '../../messages/downlink.js';
import { present } from '../entries.js';
import { integerField, objectField, rootFields, textField, textList, type Fields } from '../fields.js';

/** `TxSchedulePriority` of `enums.proto`; without one The Things Stack takes LOWEST. */
const priorities = ['LOWEST', 'LOW', 'BELOW_NORMAL', 'NORMAL', 'ABOVE_NORMAL', 'HIGH', 'HIGHEST'];

/** By which the events of a downlink (queued, sent, ack, nack, failed) name it. */
export const correlationIdOf = ({ id }: Downlink): string => `lpwan-bridge:${id}`;

const priorityOf = (options: Fields): string | undefined => {
  const priority = textField(options, 'priority');
  if (priority !== undefined && !priorities.includes(priority)) throw fieldError('priority', `must be one of ${priorities.join(', ')}`);
  return priority;
};

const correlationIdsOf = (options: Fields): string[] => {
  const ids = textList(options, 'correlation_ids');
  if (ids.some((id) => id.length > 100)) throw fieldError('correlation_ids', 'must be at most 100 characters each');
  return ids;
};

const retryOf = (options: Fields): Readonly<Record<string, unknown>> | undefined => {
  const retry = objectField(options, 'confirmed_retry');
  if (retry !== undefined) integerField(retry, 'max_attempts', 0, 100);
  return retry?.value;
};

/** What the caller said in The Things Stack's own words. @throws invalid_field */
const callerFields = ({ options = {} }: Downlink) => {
  const fields = rootFields(options);
  return {
    correlationIds: correlationIdsOf(fields),
    rest: present({ priority: priorityOf(fields), class_b_c: objectField(fields, 'class_b_c')?.value, confirmed_retry: retryOf(fields) }),
  };
};

/** The body of a push or replace: `DownlinkQueueRequest` without device ids, which are in the address. @throws invalid_field */
export const downlinkRequest = (downlink: Downlink): object => {
  const { fPort, payload, object, confirmed } = downlink;
  const { correlationIds, rest } = callerFields(downlink);
  const own = correlationIdOf(downlink);
  return {
    downlinks: [
      {
        f_port: fPort,
        ...(payload === undefined ? {} : { frm_payload: Buffer.from(payload, 'hex').toString('base64') }),
        ...(object === undefined ? {} : { decoded_payload: object }),
        confirmed,
        correlation_ids: [own, ...correlationIds.filter((id) => id !== own)],
        ...rest,
      },
    ],
  };
};
