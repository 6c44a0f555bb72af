import type { Reason } from '../errors.js';
import type { DownlinkState, NetworkServerKind } from './message.js';

/** A command on its way to a device, checked and complete. */
export interface Downlink {
  /** 32 hex digits: hash of what makes a redelivered message the same message. */
  readonly id: string;
  /** The caller's own id, given back in every status. */
  readonly correlationId?: string;
  /** The connection that it came from, and that its status messages go to. */
  readonly connectionId: string;
  readonly deviceId: string;
  readonly networkServer: { readonly id: string; readonly kind: NetworkServerKind };
  /** 1…223 (LoRaWAN 1.0.4, 4.3.2); absent for Sigfox. */
  readonly fPort?: number;
  /** FRMPayload (or the 8 bytes of Sigfox) in lower-case hex. Exactly one of `payload` and `object` is there. */
  readonly payload?: string;
  /** For the network server's own encoder. */
  readonly object?: Readonly<Record<string, unknown>>;
  readonly confirmed: boolean;
  /** Replaces what waits for the device, here and at the network server. */
  readonly flush: boolean;
  /** Epoch ms. */
  readonly receivedAt: number;
  /** Epoch ms; not submitted any more from then on. */
  readonly validUntil: number;
  /** What the caller said beside, under the names of its form: `FCntDn` of ThingPark's, `priority` of The Things Stack's. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Why a downlink is in its state: the network server's own code and text, or a reason of the bridge as code. */
export interface DownlinkCause {
  readonly code?: string;
  readonly text?: string;
}

/** What a device's network server needs to reach it beside its device id, such as The Things Stack's `device_id`; learned from its webhooks. Holds no secret. */
export type DeviceAddress = Readonly<Record<string, string>>;

/** How one attempt to submit a downlink ended. */
export type SubmitOutcome =
  /** The network server took it. `ids`: by which its events will name it, as far as it told. */
  | { readonly kind: 'accepted'; readonly ids: readonly string[] }
  /**
   * Not taken, and may be later. `scope`: whether it is the network server that has trouble (nobody else need try now) or only this
   * downlink. `counts` false: nothing was sent, or nobody could have been let in (refused connection, wrong key); only the validity time bounds it.
   */
  | { readonly kind: 'later'; readonly reason: Reason; readonly cause: DownlinkCause; readonly scope: 'network-server' | 'downlink'; readonly counts: boolean; readonly retryAfterMs?: number }
  /** Refused for good. */
  | { readonly kind: 'never'; readonly reason: Reason; readonly cause: DownlinkCause }
  /** Sent, but no answer came: the network server may have taken it. */
  | { readonly kind: 'unknown'; readonly reason: Reason; readonly cause: DownlinkCause };

/** States after which nothing follows for any downlink. `sent` and `submitted` are final only where the network reports no more. */
export const finalStates: ReadonlySet<DownlinkState> = new Set<DownlinkState>(['acknowledged', 'failed', 'expired', 'rejected']);
