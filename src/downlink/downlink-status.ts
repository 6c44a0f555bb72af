import { reasons, type BridgeError, type Reason } from '../errors.js';
import type { Downlink, DownlinkCause } from '../messages/downlink.js';
import type { DownlinkState, DownlinkStatusFields } from '../messages/message.js';

/** Longest text of a cause, characters: a network server may answer with a whole page. */
const maxCauseText = 500;

/** A change of state to report. */
export interface StatusReport {
  readonly downlink: Downlink;
  readonly state: DownlinkState;
  /** Attempts to submit it so far; absent where it is not known. */
  readonly attempt?: number;
  readonly cause?: DownlinkCause;
  /** What the network server said; absent where the bridge itself reports. */
  readonly reported?: DownlinkStatusFields;
}

/** A downlink that never became one. */
export interface RejectionReport {
  /** Names the rejection: the same when the message comes again. */
  readonly id: string;
  readonly connectionId: string;
  /** Where it is known. */
  readonly networkServer?: Downlink['networkServer'];
  readonly deviceId: string;
  readonly error: BridgeError;
  readonly correlationId?: string;
  readonly fPort?: number;
}

const isDevEui = (deviceId: string): boolean => /^[0-9a-f]{16}$/.test(deviceId);

const identity = (deviceId: string): Pick<DownlinkStatusFields, 'deviceId' | 'devEui'> => ({ deviceId, ...(isDevEui(deviceId) ? { devEui: deviceId } : {}) });

const shortened = (text: string): string => (text.length <= maxCauseText ? text : `${text.slice(0, maxCauseText)}…`);

const causeFields = (cause: DownlinkCause | undefined): Pick<DownlinkStatusFields, 'cause'> => {
  if (cause === undefined) return {};
  return { cause: { ...(cause.code === undefined ? {} : { code: cause.code }), ...(cause.text === undefined ? {} : { text: shortened(cause.text) }) } };
};

/** The network server's own words, and the reason of the bridge where it gave none. */
export const causeOf = (reason: Reason, cause: DownlinkCause): DownlinkCause => ({ code: cause.code ?? reason, text: cause.text ?? reasons[reason].title });

/** The status of a downlink that the bridge carries. `at`: epoch ms. */
export const statusOf = ({ downlink, state, attempt, cause, reported }: StatusReport, at: number): DownlinkStatusFields => ({
  type: 'downlink-status',
  ...identity(downlink.deviceId),
  time: new Date(at).toISOString(),
  ...reported,
  state,
  downlinkId: downlink.id,
  ...(downlink.correlationId === undefined ? {} : { correlationId: downlink.correlationId }),
  ...(attempt === undefined ? {} : { attempt }),
  ...(downlink.fPort === undefined ? {} : { fPort: downlink.fPort }),
  ...causeFields(cause),
});

/** Names the report, so that the same one made twice is one. A downlink expires once, after whatever attempts. */
export const statusKey = ({ downlink, state, attempt }: StatusReport): string => `${downlink.id} ${state} ${state === 'expired' ? 0 : (attempt ?? 0)}`;

/** Names the report of a rejection. */
export const rejectionKey = ({ id }: RejectionReport): string => `${id} rejected 0`;

/** The status of a downlink that was refused; the text names the field. */
export const rejectedStatus = ({ deviceId, error, correlationId, fPort }: RejectionReport, at: number): DownlinkStatusFields => ({
  type: 'downlink-status',
  ...identity(deviceId),
  time: new Date(at).toISOString(),
  state: 'rejected',
  ...(correlationId === undefined ? {} : { correlationId }),
  ...(fPort === undefined ? {} : { fPort }),
  ...causeFields({ code: error.reason, text: error.message }),
});
