import type { Logger } from '../../log.js';
import type { Environment, Tables } from './environment.js';
import type { Overlay } from './journal/overlay.js';
import { readStore } from './open-store.js';
import { bucketRange, entriesIn, entryBytes, firstBucket, partBucket, runDamageOf } from './seen-runs.js';
import { createSeenTable, type SeenTable } from './seen-table.js';

/** The runs in memory: a table for each bucket that was asked for lately, read from the file when it is asked for first. */
export interface SeenMinutes {
  /** Whether a durable run of the minute has the hash, with an arrival that matches. @throws BridgeError store_unavailable */
  has(minute: number, hash: Uint8Array, matches: (arrival: number) => boolean): boolean;
  /** The bucket for a new entry, or undefined when there is no more room for it: the minute may be the one at which the clocks of many devices stand still. @throws as `has` */
  bucketFor(minute: number, hash: Uint8Array): number | undefined;
  /** Notes entries that are durable. */
  add(bucket: number, entries: Uint8Array): void;
}

/** Numbers of entries. */
export interface SeenLimits {
  /** In memory up to twice as many, in about 40 bytes each: those of the minutes in use, and of those before. */
  readonly inUse: number;
  /** Of the first bucket of a minute; it is read at once, in about 10 ms. 2,000 messages a second stay below. */
  readonly first: number;
  /** Of each other one. With them all a minute has room for 16,000 messages a second, and fits into memory. */
  readonly part: number;
}

const usualLimits: SeenLimits = { inUse: 1_000_000, first: 131_072, part: 212_992 };

export interface SeenMinutesOptions {
  readonly environment: Pick<Environment, 'tables'>;
  readonly overlay: Pick<Overlay, 'seen'>;
  readonly logger: Logger;
  readonly limits?: SeenLimits;
}

/** The least that a table takes, in entries. */
const leastWeight = 64;
/** Damaged runs named in the log; those beyond are damage of the same disk. */
const mostReported = 100;

export const createSeenMinutes = ({ environment, overlay, logger, limits = usualLimits }: SeenMinutesOptions): SeenMinutes => {
  /** A table that is asked for stays for as long as others do not fill the memory twice. */
  let inUse = new Map<number, SeenTable>();
  let before = new Map<number, SeenTable>();
  let weight = 0;
  const reported = new Set<string>();

  /** A message of a damaged run may be delivered twice; refusing all messages of its minute for the whole window would be worse. */
  const report = (key: Buffer, damage: string): void => {
    const name = key.toString('hex');
    if (reported.has(name) || reported.size >= mostReported) return;
    reported.add(name);
    logger.error({ reason: 'store_corrupt', detail: `run ${name}: ${damage}` }, 'damaged run skipped: what it remembers may be delivered again');
  };

  const load = (bucket: number, { runs }: Tables): SeenTable => {
    const whole: Buffer[] = [];
    for (const { key, value } of runs.getRange(bucketRange(bucket))) {
      const damage = runDamageOf(value);
      if (damage === undefined) whole.push(entriesIn(value));
      else report(key, damage);
    }
    whole.push(...overlay.seen(bucket));
    const table = createSeenTable(whole.reduce((sum, entries) => sum + entries.length / entryBytes, 0));
    for (const entries of whole) table.add(entries);
    return table;
  };

  const grew = (entries: number): void => {
    weight += entries;
    if (weight <= limits.inUse) return;
    before = inUse;
    inUse = new Map();
    weight = 0;
  };

  const tableOf = (bucket: number): SeenTable => {
    const known = inUse.get(bucket);
    if (known !== undefined) return known;
    const table = before.get(bucket) ?? readStore(environment, 'outbox', (tables) => load(bucket, tables));
    before.delete(bucket);
    inUse.set(bucket, table);
    grew(Math.max(table.size, leastWeight));
    return table;
  };

  return {
    has: (minute, hash, matches) => tableOf(firstBucket(minute)).has(hash, matches) || tableOf(partBucket(minute, hash)).has(hash, matches),
    bucketFor(minute, hash) {
      if (tableOf(firstBucket(minute)).size < limits.first) return firstBucket(minute);
      return tableOf(partBucket(minute, hash)).size < limits.part ? partBucket(minute, hash) : undefined;
    },
    add(bucket, entries) {
      const used = inUse.get(bucket);
      const table = used ?? before.get(bucket);
      // Out of memory: it is read from the file when it is asked for again.
      table?.add(entries);
      if (used !== undefined) grew(entries.length / entryBytes);
    },
  };
};
