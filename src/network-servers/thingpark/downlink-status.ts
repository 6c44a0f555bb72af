import { fieldError } from '../../errors.js';
import type { DownlinkState, DownlinkStatusFields } from '../../messages/message.js';
import { present } from '../entries.js';
import { integerField, numberField, pathOf, required, textField, type Fields } from '../fields.js';
import type { ParsedMessage } from '../network-server.js';
import { commonFields, deviceIdentity, documentTime, keyOf } from './common-fields.js';

type Cause = NonNullable<DownlinkStatusFields['cause']>;

/** Codes of DeliveryFailedCause1 to 4, in hex. */
const failures: Readonly<Record<string, string>> = {
  A0: 'radio stopped',
  A1: 'downlink radio stopped',
  A2: 'ping slot not available',
  A3: 'radio busy',
  A4: 'channel not free (listen before talk)',
  A5: 'radio board error',
  B0: 'too late',
  C0: 'the LRC chose RX2',
  D0: 'duty cycle limit at the gateway',
  DA: 'duty cycle limit at the LRC',
  DB: 'dwell time limit',
  DC: 'no gateway with GPS',
  DD: 'no gateway available',
  DE: 'duty cycle limit of the peering network',
  DF: 'NetID refused',
  E0: 'class C delay of 60 s exceeded',
};

/** What the number of a DeliveryFailedCause stands for. */
const slots = ['RX1', 'RX2', 'ping slot', 'RXR'];

/** The cause of the first slot that has one. */
const failureCause = (body: Fields): Cause | undefined => {
  for (const [index, slot] of slots.entries()) {
    const code = textField(body, `DeliveryFailedCause${index + 1}`)?.toUpperCase();
    if (code === undefined || /^0+$/.test(code)) continue;
    const text = failures[code];
    return text === undefined ? { code } : { code, text: `${slot}: ${text}` };
  }
  return undefined;
};

interface Status {
  readonly event: string;
  readonly state: DownlinkState;
  readonly cause: Cause | undefined;
  /** Keys of the cause that need not be repeated in `native`. */
  readonly used?: readonly string[];
}

const statusMessage = (body: Fields, { event, state, cause, used = [] }: Status): ParsedMessage => {
  const identity = deviceIdentity(body);
  const instant = documentTime(body);
  const correlationId = textField(body, 'CorrelationID');
  const fields: DownlinkStatusFields = {
    type: 'downlink-status',
    ...commonFields(body, { identity, instant, used: ['FPort', 'FCntDn', 'CorrelationID', ...used] }),
    ...present({
      state,
      event,
      fPort: integerField(body, 'FPort', 0, 255),
      fCnt: integerField(body, 'FCntDn', 0, 0xffffffff),
      correlationIds: correlationId === undefined ? undefined : [correlationId],
      cause,
    }),
  };
  const keys = ['Time', 'FPort', 'FCntDn', 'CorrelationID', 'DeliveryStatus', 'TransmissionStatus'];
  return { fields, idempotencyKey: keyOf(event, body, keys), eventTimeMs: instant.ms };
};

/** DeliveryStatus 1 means that a gateway transmitted it, not that the device received it. */
export const readDownlinkSent = (body: Fields): ParsedMessage => {
  const status = required(integerField(body, 'DeliveryStatus', 0, 1), body, 'DeliveryStatus');
  const isSent = status === 1;
  // A slot may have failed before another one succeeded: then its code is in `native` only.
  return statusMessage(body, { event: 'DevEUI_downlink_Sent', state: isSent ? 'sent' : 'failed', cause: isSent ? undefined : failureCause(body) });
};

export const readDownlinkRejected = (body: Fields): ParsedMessage => {
  const cause = present({ code: textField(body, 'DeliveryStatus'), text: textField(body, 'DownlinkRejectionCause') });
  return statusMessage(body, {
    event: 'DevEUI_downlink_Rejected',
    state: 'rejected',
    cause: Object.keys(cause).length === 0 ? undefined : cause,
    used: ['DeliveryStatus', 'DownlinkRejectionCause'],
  });
};

/** A multicast counts as sent unless it was broken off or no gateway at all transmitted it; the counts are in `native`. */
export const readMulticastSummary = (body: Fields): ParsedMessage => {
  const status = required(textField(body, 'TransmissionStatus'), body, 'TransmissionStatus');
  const successes = numberField(body, 'LrrSuccessCnt');
  if (successes !== undefined && successes < 0) throw fieldError(pathOf(body, 'LrrSuccessCnt'), 'must not be negative');
  const isBrokenOff = /abort|fail|error/i.test(status);
  const isFailed = isBrokenOff || successes === 0;
  const cause = present({ code: isBrokenOff ? status : undefined, text: textField(body, 'LrrFailedDistribution') });
  const hasCause = isFailed && Object.keys(cause).length > 0;
  return statusMessage(body, { event: 'DevEUI_multicast_summary', state: isFailed ? 'failed' : 'sent', cause: hasCause ? cause : undefined });
};
