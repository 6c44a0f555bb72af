import { BridgeError, messageOf } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import type { Settlement } from '../../../uplink/ports.js';
import type { Argument } from '../script.js';
import { isPosition, sizeOf } from './record-fields.js';
import type { Source } from './single-flight.js';
import type { HeldSlot, SlotCalls } from './slot-calls.js';
import { settleScript } from './slot-scripts.js';

export interface SettlesOptions {
  readonly calls: Pick<SlotCalls, 'call' | 'callFor' | 'doubt'>;
  readonly current: () => HeldSlot;
  readonly wake: () => void;
  readonly logger: Logger;
}

/** What was settled is written in as few calls as possible, and tried until it is. */
export interface Settles extends Source {
  settle(batch: readonly Settlement[]): Promise<void>;
  /** Redis may be there again. */
  retry(): void;
  /** Gives up what could not be written, and says why. */
  abandon(why: string): void;
}

interface Batch {
  readonly slot: HeldSlot;
  readonly settlements: readonly Settlement[];
  readonly resolve: () => void;
  readonly reject: (error: BridgeError) => void;
}

/** A call holds Redis up for all replicas, so it takes no more than this, or one batch. */
const mostSettlements = 1_000;

const gone = ({ slot }: HeldSlot): BridgeError => new BridgeError('store_unavailable', { detail: `what waited under the slot ${slot} is another replica's` });

const argumentsOf = (settlements: Iterable<Settlement>): Argument[] => {
  const args: Argument[] = [];
  for (const settlement of settlements) {
    const { outcome, record } = settlement;
    const [reason, detail] = outcome === 'parked' ? [settlement.reason, settlement.detail] : ['', ''];
    args.push(record.connectionId, record.seq, record.deviceId, sizeOf(record), reason, detail);
  }
  return args;
};

const countByConnection = (settlements: Iterable<Settlement>): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const { record } of settlements) counts.set(record.connectionId, (counts.get(record.connectionId) ?? 0) + 1);
  return counts;
};

export const createSettles = ({ calls, current, wake, logger }: SettlesOptions): Settles => {
  let waiting: Batch[] = [];
  let failed = false;
  let told = false;

  /** As many batches of one slot as one call takes. */
  const next = (): Batch[] => {
    let [count, settlements] = [0, 0];
    for (const batch of waiting) {
      settlements += batch.settlements.length;
      if (count > 0 && (settlements > mostSettlements || batch.slot.slot !== waiting[0]?.slot.slot)) break;
      count += 1;
    }
    return waiting.slice(0, count);
  };

  const write = async (slot: HeldSlot, batches: readonly Batch[]): Promise<void> => {
    const settlements = new Map<number, Settlement>();
    // Of two for one message the first counts.
    for (const batch of batches) for (const one of batch.settlements) if (!settlements.has(one.record.seq)) settlements.set(one.record.seq, one);
    const args = argumentsOf(settlements.values());
    const result = await calls.call(settleScript, args, { removes: countByConnection(settlements.values()), slot: slot.slot });
    if (result === 1) return;
    // What was delivered must not be delivered again by who has it now.
    if (result === undefined) await calls.callFor(slot, settleScript, args);
    else calls.doubt();
    for (const { reject } of batches) reject(gone(slot));
  };

  return {
    waits: () => !failed && waiting.length > 0,
    async run() {
      const batches = next();
      const slot = batches[0]?.slot;
      if (slot === undefined) return;
      try {
        await write(slot, batches);
        waiting = waiting.slice(batches.length);
        for (const { resolve } of batches) resolve();
        told = false;
      } catch (error) {
        failed = true;
        if (!told) logger.warn({ reason: 'store_unavailable', detail: messageOf(error) }, 'what was delivered cannot be removed from the outbox, trying until it can');
        told = true;
      }
    },
    settle: (batch) => {
      const settlements = batch.filter(({ record }) => isPosition(record.seq));
      if (settlements.length === 0) return Promise.resolve();
      return new Promise((resolve, reject) => {
        waiting.push({ slot: current(), settlements, resolve, reject });
        wake();
      });
    },
    retry() {
      failed = false;
      wake();
    },
    abandon(why) {
      for (const { reject } of waiting) reject(new BridgeError('store_unavailable', { detail: why }));
      waiting = [];
    },
  };
};
