import type { Delivery } from '../../../downlink/ports.js';
import type { Downlink, DownlinkCause } from '../../../messages/downlink.js';
import type { DownlinkState } from '../../../messages/message.js';

/** What the tables of the downlink store hold, each as a JSON value with a time. */

export interface StoredWaiting {
  readonly downlink: Downlink;
  readonly delivery: Delivery;
  readonly attempts: number;
}

export interface StoredNotice {
  readonly downlink: Downlink;
  readonly state: DownlinkState;
  readonly cause?: DownlinkCause;
}

/** The answer to a request of a mailbox; without a downlink when there was none. */
export interface StoredAnswer {
  readonly downlink?: Downlink;
}
