import { BridgeError } from '../errors.js';
import type { Downlink } from '../messages/downlink.js';
import type { DownlinkIdentity } from './downlink-identity.js';
import type { AddResult, Delivery, DownlinkQueue } from './ports.js';

export interface Storing {
  readonly identity: DownlinkIdentity;
  readonly delivery: Delivery;
  /** Most downlinks that may wait for the connection. */
  readonly capacity: number;
}

/** What is there now: the downlink itself, or for a duplicate the one that came first. */
export type Stored = AddResult & { readonly id: string };

/** Stores a downlink once, however often its message comes. @throws BridgeError downlink_queue_full, store_unavailable, stopping */
export const createStoreDownlink = (queue: Pick<DownlinkQueue, 'add'>): ((downlink: Downlink, storing: Storing) => Promise<Stored>) => {
  /** Without capacity nothing can be stored, and what is there already is told as a duplicate all the same. */
  const isThere = async (downlink: Downlink, delivery: Delivery, windowMs: number): Promise<boolean> => {
    try {
      const { state } = await queue.add({ ...downlink, flush: false }, { delivery, windowMs, capacity: 0 });
      return state === 'duplicate';
    } catch (error) {
      if (error instanceof BridgeError && error.reason === 'downlink_queue_full') return false;
      throw error;
    }
  };

  return async (downlink, { identity: { earlierId, windowMs }, delivery, capacity }) => {
    if (earlierId !== undefined && (await isThere({ ...downlink, id: earlierId }, delivery, windowMs))) return { id: earlierId, state: 'duplicate', notices: [] };
    return { id: downlink.id, ...(await queue.add(downlink, { delivery, windowMs, capacity })) };
  };
};
