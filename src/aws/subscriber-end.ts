import { BridgeError, messageOf, type Reason } from '../errors.js';
import { blameOf, closeReason } from './session-close.js';

/** Why a subscriber's session is over. */
export interface SubscriberEnd {
  readonly reason: Reason;
  readonly detail: string;
  /** A message could not be stored: the broker is well. */
  readonly byStore: boolean;
}

const notAllowed = 'the endpoint closed instead of answering SUBSCRIBE: does the policy allow iot:Subscribe on the filter?';

/**
 * The broker closed. `asked`: SUBSCRIBE was not answered yet; AWS closes for one that is not allowed, under MQTT 3.1.1 without a word.
 * Later `not authorized` cannot speak of a publish, and the next connect tells what it is about.
 */
export const endByPeer = (disconnectCode: number | undefined, asked: boolean): SubscriberEnd => {
  if (asked && blameOf(disconnectCode) !== 'none') return { reason: 'subscribe_refused', detail: notAllowed, byStore: false };
  const reason = closeReason(disconnectCode);
  const detail = disconnectCode === undefined ? 'the connection ended without a DISCONNECT' : `the broker sent DISCONNECT 0x${disconnectCode.toString(16)}`;
  return { reason: reason === 'publish_forbidden' ? 'session_lost' : reason, detail, byStore: false };
};

export const endByStore = (error: unknown): SubscriberEnd => ({
  reason: error instanceof BridgeError ? error.reason : 'internal_error',
  detail: `a downlink was not stored: ${messageOf(error)}`,
  byStore: true,
});

export const endBySelf = (reason: Reason, detail: string): SubscriberEnd => ({ reason, detail, byStore: false });
