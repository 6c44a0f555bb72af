import type { SlotMap } from '../../slot-map.js';
import type { Append } from '../../uplink/ports.js';
import type { Tables } from './environment.js';
import type { Changes, KeyAndValue } from './journal/frames.js';
import { minuteOf, seenKey } from './outbox-keys.js';
import type { RunWriter } from './run-writer.js';
import type { SeenMinutes } from './seen-minutes.js';
import { entriesOf } from './seen-runs.js';

/** What was seen in one batch. */
export interface SeenBatch {
  /** Whether it came before; when it is new its key is claimed, so that whoever comes later in this turn sees it. @throws BridgeError store_unavailable */
  isDuplicate(append: Append): boolean;
  /** Batches under way that hold the first of some duplicate of this one. */
  readonly shared: ReadonlySet<Promise<unknown>>;
  /** Whether anything is claimed. */
  writes(): boolean;
  write(tables: Tables): void;
  /** What `write` puts. */
  changes(): Required<Pick<Changes, 'seen' | 'singles'>>;
  /** Durable. */
  done(): void;
  /** Nothing of it was kept. */
  failed(): void;
}

export interface SeenBatchParts {
  /** Keys that are being written, as latin1 text, with the promise of their batch. */
  readonly writing: SlotMap<string, Promise<unknown>>;
  readonly minutes: SeenMinutes;
  readonly runs: RunWriter;
  readonly singles: Singles;
  readonly inWindow: (arrival: number) => boolean;
  readonly now: () => number;
}

/** The entries that are in no run. */
export interface Singles {
  /** Whether a durable one has the key and is inside the window. @throws BridgeError store_unavailable */
  has(minute: number, key: Buffer): boolean;
  entry(key: Buffer, arrival: number): KeyAndValue;
  /** To be called when some became durable. */
  written(): void;
}

/** @param commit The promise of the batch. */
export const createSeenBatch = (commit: Promise<unknown>, { writing, minutes, runs, singles, inWindow, now }: SeenBatchParts): SeenBatch => {
  const arrival = now();
  const shared = new Set<Promise<unknown>>();
  const claimed: string[] = [];
  /** By bucket. */
  const hashes = new Map<number, Buffer[]>();
  const single: Buffer[] = [];
  let written: (readonly [number, Buffer])[] = [];

  const note = (minute: number, hash: Buffer, key: Buffer): void => {
    const bucket = minute === 0 ? undefined : minutes.bucketFor(minute, hash);
    const others = bucket === undefined ? undefined : hashes.get(bucket);
    if (bucket === undefined) single.push(key);
    else if (others === undefined) hashes.set(bucket, [hash]);
    else others.push(hash);
  };

  const changes = (): Required<Pick<Changes, 'seen' | 'singles'>> => {
    written = [...hashes].map(([bucket, ofBucket]) => [bucket, entriesOf(ofBucket, arrival)]);
    return { seen: written, singles: single.map((key) => singles.entry(key, arrival)) };
  };

  const release = (): void => { for (const text of claimed) writing.delete(text); };

  return {
    shared,
    // No getter: V8 keeps an object with one in a slower form, and this is made for each batch.
    writes: () => claimed.length > 0,
    isDuplicate({ eventTimeMs, dedupKey }) {
      const key = seenKey(eventTimeMs, dedupKey);
      const text = key.toString('latin1');
      const first = writing.get(text);
      if (first !== undefined) {
        if (first !== commit) shared.add(first);
        return true;
      }
      const minute = minuteOf(eventTimeMs);
      if (minute !== 0 && minutes.has(minute, dedupKey, inWindow)) return true;
      if (singles.has(minute, key)) return true;
      note(minute, dedupKey, key);
      writing.set(text, commit);
      claimed.push(text);
      return false;
    },
    write(tables) {
      const { seen, singles: entries } = changes();
      for (const [bucket, ofBucket] of seen) runs.write(tables, bucket, ofBucket);
      for (const { key, value } of entries) void tables.seen.put(key, value);
    },
    changes,
    done() {
      for (const [bucket, entries] of written) minutes.add(bucket, entries);
      if (single.length > 0) singles.written();
      release();
    },
    failed() {
      runs.closeAll();
      release();
    },
  };
};
