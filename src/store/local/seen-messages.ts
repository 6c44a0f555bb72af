import type { Logger } from '../../log.js';
import { SlotMap } from '../../slot-map.js';
import type { CommitQueue } from './commit-queue.js';
import type { Environment } from './environment.js';
import { readStore } from './open-store.js';
import { minuteStart } from './outbox-keys.js';
import type { Overlay } from './journal/overlay.js';
import type { RunWriter } from './run-writer.js';
import { createSeenBatch, type SeenBatch, type Singles } from './seen-batch.js';
import { createSeenMinutes, type SeenLimits } from './seen-minutes.js';
import { runDamageOf, someArrival } from './seen-runs.js';
import { startSeenSweep } from './seen-sweep.js';

/** The memory of what was seen: durable entries, and those of batches that are being written. */
export interface SeenMessages {
  /** Begins a batch. @param commit Its promise. */
  begin(commit: Promise<unknown>): SeenBatch;
  close(): void;
}

export interface SeenMessagesOptions {
  readonly environment: Pick<Environment, 'tables'>;
  readonly queue: CommitQueue;
  readonly runs: RunWriter;
  readonly overlay: Pick<Overlay, 'seen' | 'single' | 'hasSingles'>;
  readonly logger: Logger;
  readonly windowMs: number;
  readonly now: () => number;
  /** Ms between two passes over what may have expired. */
  readonly sweepMs: number;
  readonly limits?: SeenLimits;
}

const valueOf = (arrival: number): Buffer => {
  const value = Buffer.allocUnsafe(8);
  value.writeDoubleBE(arrival);
  return value;
};

/**
 * Entries of their own: messages without an event time, all of which are in one bucket that never ends; what comes for a minute that is
 * full; and all of an outbox that was written before there were runs, until they are swept.
 */
const createSingles = ({ environment, overlay }: Pick<SeenMessagesOptions, 'environment' | 'overlay'>, inWindow: (arrival: number) => boolean): Singles & { readonly look: () => void } => {
  const findAnyTimed = (): boolean => readStore(environment, 'outbox', ({ seen }) => [...seen.getKeys({ start: minuteStart(1), limit: 1 })].length > 0);
  let anyTimed = findAnyTimed();
  return {
    has(minute, key) {
      if (minute !== 0 && !anyTimed) return false;
      const value = overlay.single(key) ?? readStore(environment, 'outbox', ({ seen }) => seen.getBinaryFast(key));
      return value !== undefined && inWindow(value.readDoubleBE(0));
    },
    entry: (key, arrival) => ({ key, value: valueOf(arrival) }),
    written() {
      anyTimed = true;
    },
    look() {
      try {
        anyTimed = overlay.hasSingles || findAnyTimed();
      } catch {
        // A store that cannot be read shows elsewhere; looking into the table for nothing does no harm.
        anyTimed = true;
      }
    },
  };
};

export const createSeenMessages = (options: SeenMessagesOptions): SeenMessages => {
  const { environment, queue, runs, overlay, logger, windowMs, now, sweepMs, limits } = options;
  const writing = new SlotMap<string, Promise<unknown>>();
  /** Counted from arrival, not from the event's own time: a network server may deliver late and still repeat. */
  const inWindow = (arrival: number): boolean => Math.abs(now() - arrival) < windowMs;

  const minutes = createSeenMinutes({ environment, overlay, logger, ...(limits === undefined ? {} : { limits }) });
  const singles = createSingles({ environment, overlay }, inWindow);
  const sweep = startSeenSweep({
    queue, windowMs, now, sweepMs,
    swept: [
      // Nothing in a damaged run is recognised any more.
      { table: 'runs', step: 100, isExpired: (key, value) => (runDamageOf(value) !== undefined || !someArrival(value, inWindow)) && !runs.isOpen(key) },
      { table: 'seen', step: 500, isExpired: (key, value) => !inWindow(value.readDoubleBE(0)) && !writing.has(key.toString('latin1')) },
    ],
    passed() {
      singles.look();
      // What is still open may expire.
      runs.closeAll();
    },
  });

  return {
    begin: (commit) => createSeenBatch(commit, { writing, minutes, runs, singles, inWindow, now }),
    close: () => { sweep.close(); },
  };
};
