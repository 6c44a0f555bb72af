import type { Devices, DownlinkLife, QueuedDownlink } from '../downlink/ports.js';
import type { BridgeError, Reason } from '../errors.js';
import type { DownlinkState } from '../messages/message.js';
import type { ParkedMessages, ThingMemory } from '../uplink/ports.js';
import type { EventLog, JsonObject, ResourceStore, TokenStore } from './ports.js';

/** A downlink that a caller posts: the document in any of the forms that AWS may carry too. */
export interface DownlinkRequest {
  /** Absent: the connection that the device's messages go to. */
  readonly connectionId?: string;
  /** Lower case where it is hexadecimal. */
  readonly deviceId: string;
  /** Without `connectionId`, which is no key of any form. */
  readonly document: JsonObject;
}

/** What became of one downlink of a document: it is stored (`duplicate`: it was already), or the error says why not. */
export type PostedDownlink =
  | { readonly kind: 'stored'; readonly downlinkId: string; readonly state: DownlinkState; readonly duplicate?: boolean; readonly correlationId?: string }
  | { readonly kind: 'rejected'; readonly error: BridgeError; readonly correlationId?: string };

/** How many parked messages are in the outbox again, and which stayed parked and why. One that is no longer parked is in neither. */
export interface ReplayOutcome {
  readonly replayed: number;
  readonly refused: readonly { readonly seq: number; readonly reason: Reason; readonly detail: string }[];
}

/** What the private API needs of the running bridge. */
export interface BridgePorts {
  /**
   * Stores each downlink of the document, in its order; resolves when they are durable.
   * @throws BridgeError malformed_body, unknown_device, device_not_routed, no_connection, store_unavailable, redis_unavailable, stopping; then nothing was stored
   */
  postDownlink(request: DownlinkRequest): Promise<readonly PostedDownlink[]>;
  /** @throws BridgeError store_unavailable, redis_unavailable */
  downlinkLife(downlinkId: string): Promise<DownlinkLife | undefined>;
  readonly devices: Pick<Devices, 'find' | 'list'>;
  readonly things: Pick<ThingMemory, 'of'>;
  /** What waits for a device, oldest first. @throws BridgeError store_unavailable, redis_unavailable */
  waiting(deviceId: string): Promise<readonly QueuedDownlink[]>;
  /** Takes out what waits for a device and reports it; resolves with how many there were. @throws as `waiting` */
  clearDownlinks(deviceId: string): Promise<number>;
  readonly parked: Pick<ParkedMessages, 'parked' | 'parkedAt' | 'discard'> & {
    /** Puts parked messages back behind everything that waits. @throws BridgeError outbox_full, store_unavailable, stopping */
    replay(seqs: readonly number[]): Promise<ReplayOutcome>;
  };
  readonly events: Pick<EventLog, 'events'>;
  readonly audit: Pick<ResourceStore, 'audit' | 'audits'>;
  readonly tokens: Pick<TokenStore, 'list' | 'find' | 'add' | 'remove'>;
}
