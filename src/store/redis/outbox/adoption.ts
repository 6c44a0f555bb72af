import { BridgeError } from '../../../errors.js';
import type { SharedOutboxListener } from '../../../uplink/ports.js';
import type { RedisLink } from '../redis-link.js';
import type { Errands } from './errands.js';
import type { SlotCalls } from './slot-calls.js';
import { adoptScript } from './slot-scripts.js';

export interface AdoptionOptions {
  readonly link: Pick<RedisLink, 'run'>;
  readonly tag: string;
  readonly calls: Pick<SlotCalls, 'call'>;
  readonly errands: Errands;
  readonly listener: () => SharedOutboxListener;
  /** Asked before anything is changed. @throws BridgeError stopping */
  readonly isOpen: () => void;
}

/** Takes over what waits under the slots of replicas that are gone. */
export interface Adoption {
  /**
   * Moves what waits under an orphaned slot for this connection behind what waits under the own one. Resolves with how many. Messages of a device whose earlier
   * ones wait under a third slot stay until those are gone.
   * @throws BridgeError store_unavailable, stopping
   */
  adopt(slot: string, connectionId: string): Promise<number>;
  /** Connections with something under a slot. @throws BridgeError store_unavailable */
  pendingUnder(slot: string): Promise<readonly { readonly connectionId: string; readonly messages: number }[]>;
}

/** See `adoptScript`. */
type Moved = readonly [moved: number, last: string, ended: number, left: readonly string[]];

/** What one call moves, so that others get their turn between. */
const mostRecords = 200;
const mostBytes = 1024 * 1024;

export const createAdoption = ({ link, tag, calls, errands, listener, isOpen }: AdoptionOptions): Adoption => ({
  async adopt(slot, connectionId) {
    let all = 0;
    let last = '0';
    // Once a message of a device has stayed, its later ones stay too, whatever happens meanwhile.
    const stay: string[] = [];
    for (let ended = false; !ended;) {
      isOpen();
      const from = last;
      const [moved, looked, end, left] = await errands.do(async () => {
        const result = (await calls.call(adoptScript, [slot, connectionId, from, mostRecords, mostBytes, ...stay])) as Moved;
        if (result[0] === -1) throw new BridgeError('store_unavailable', { detail: `the slot ${slot} is not held` });
        if (result[0] > 0) {
          listener().found(connectionId, result[0]);
          listener().more(connectionId);
        }
        return result;
      });
      all += moved;
      for (const device of left) stay.push(device);
      last = looked;
      ended = end === 1;
    }
    return all;
  },
  async pendingUnder(slot) {
    const totals = await link.run((client) => client.hgetall(`${tag}:totals:${slot}`));
    return Object.entries(totals).map(([connectionId, messages]) => ({ connectionId, messages: Number(messages) }));
  },
});
