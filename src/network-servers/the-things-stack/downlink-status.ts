import type { DownlinkState, DownlinkStatusFields, MessageFields } from '../../messages/message.js';
import { present, restOf } from '../entries.js';
import { integerField, objectField, objectList, required, textField, textList, type Fields } from '../fields.js';
import { jsonDigest } from '../json-body.js';
import type { ParsedMessage } from '../network-server.js';
import { commonFields, parsedMessage, type Envelope } from './envelope.js';

type Cause = NonNullable<DownlinkStatusFields['cause']>;

interface Verdict {
  readonly state: DownlinkState;
  readonly cause?: Cause;
}

const downlinkUsed = new Set(['f_port', 'f_cnt', 'correlation_ids']);

/** The names that are a state by themselves: `downlink_queued`, `downlink_sent` and `downlink_ack`. */
export const parseDownlink = (state: DownlinkState) => (envelope: Envelope): ParsedMessage[] =>
  [statusOf(envelope, envelope.message, { state }, restOf(envelope.message, downlinkUsed))];

/** `downlink_nack`: no acknowledgement came. While `confirmed_retry` (which stays in `native`) has attempts left, the network server keeps the downlink and sends it again. */
export const parseDownlinkNack = (envelope: Envelope): ParsedMessage[] =>
  [statusOf(envelope, envelope.message, nackVerdict(envelope.message), restOf(envelope.message, downlinkUsed))];

const nackVerdict = (downlink: Fields): Verdict => {
  const retry = objectField(downlink, 'confirmed_retry');
  const attempt = retry === undefined ? undefined : integerField(retry, 'attempt', 0, 0xffff_ffff);
  const max = retry === undefined ? undefined : integerField(retry, 'max_attempts', 0, 0xffff_ffff);
  if (attempt === undefined || max === undefined) return { state: 'failed', cause: { text: 'the device did not acknowledge' } };
  const text = `the device did not acknowledge attempt ${attempt} of ${max}`;
  return attempt < max ? { state: 'submitted', cause: { text: `${text}; the network server tries again` } } : { state: 'failed', cause: { text } };
};

const failedUsed = new Set(['downlink']);

/** `downlink_failed`: `{ downlink, error: { namespace, name, message_format, code } }`; the whole error stays in `native`. */
export const parseDownlinkFailed = (envelope: Envelope): ParsedMessage[] => {
  const downlink = required(objectField(envelope.message, 'downlink'), envelope.message, 'downlink');
  const error = objectField(envelope.message, 'error');
  const cause = error === undefined ? undefined : present({ code: textField(error, 'name') ?? textField(error, 'code'), text: textField(error, 'message_format') });
  const native = { ...restOf(downlink, downlinkUsed), ...restOf(envelope.message, failedUsed) };
  return [statusOf(envelope, downlink, { state: 'failed', ...present({ cause }) }, native)];
};

const invalidatedUsed = new Set(['downlinks']);
const invalidated: Verdict = { state: 'failed', cause: { code: 'queue_invalidated', text: 'the session changed, so the network server dropped its queue' } };

/**
 * `downlink_queue_invalidated`: the frames were encrypted for a session or counter that is over (the Application Server only
 * passes it on for devices whose payloads it does not encrypt itself), so each of them has failed.
 */
export const parseQueueInvalidated = (envelope: Envelope): ParsedMessage[] => {
  const downlinks = objectList(envelope.message, 'downlinks');
  const shared = restOf(envelope.message, invalidatedUsed);
  if (downlinks.length === 0) return [emptyQueueStatus(envelope, shared)];
  return downlinks.map((downlink, index) => statusOf(envelope, downlink, invalidated, { ...shared, ...restOf(downlink, downlinkUsed) }, index));
};

const emptyQueueStatus = (envelope: Envelope, native: Readonly<Record<string, unknown>> | undefined): ParsedMessage => {
  const fields: MessageFields = { type: 'status', ...commonFields(envelope, native), event: envelope.name };
  return parsedMessage(envelope, fields, [momentOf(envelope), jsonDigest(envelope.message.value)]);
};

/** Nothing but the content and the time tells one attempt of a downlink from the next; `index` tells equal ones in one list apart. */
const statusOf = (envelope: Envelope, downlink: Fields, verdict: Verdict, native: Readonly<Record<string, unknown>> | undefined, index?: number): ParsedMessage => {
  const correlationIds = textList(downlink, 'correlation_ids');
  const fields: DownlinkStatusFields = {
    type: 'downlink-status',
    ...commonFields(envelope, native),
    state: verdict.state,
    event: envelope.name,
    ...present({
      fPort: integerField(downlink, 'f_port', 0, 255),
      fCnt: integerField(downlink, 'f_cnt', 0, 0xffff_ffff),
      correlationIds: correlationIds.length === 0 ? undefined : correlationIds,
      cause: verdict.cause,
    }),
  };
  return parsedMessage(envelope, fields, [momentOf(envelope), ...(index === undefined ? [] : [index]), jsonDigest(downlink.value)]);
};

const momentOf = (envelope: Envelope): string => envelope.receivedAt?.iso ?? envelope.correlationId ?? '';
