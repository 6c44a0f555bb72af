import { hashBytes, maxSeq } from './keys.js';
import { bodyStart, damageOf, seal } from './record-encoding.js';

/**
 * What was seen, stored as runs: entries of one minute (of the time that the document names) in the order of their arrival, one behind the other.
 * An entry of its own for each hash would change a page of its own in every commit, because hashes are random: about 25 KB written for each uplink.
 *
 * Key: minute (4 bytes), part (1), then a position of the outbox's one sequence (6), so that no number is ever used twice.
 * Value: version and CRC-32 as of a record, then entries of 24 bytes: hash (16), arrival (double, little-endian).
 *
 * A minute is read as a whole when it is asked for, so one with many messages goes on in parts, by their hashes: each is read alone, in some ms.
 */
export const entryBytes = hashBytes + 8;
/** Three full runs fill a page of LMDB (4,096 bytes). */
export const mostRunBytes = 54 * entryBytes;

const bucketBytes = 5;
const numberBytes = 6;
/** Each commit changes pages of every part, so there are few. */
const parts = 4;

/** The first entries of a minute. */
export const firstBucket = (minute: number): number => minute * 256;

/** Those with such a hash, when the first bucket is full. */
export const partBucket = (minute: number, hash: Uint8Array): number => minute * 256 + 1 + ((hash[hashBytes - 1] ?? 0) % parts);

export const runKey = (bucket: number, number: number): Buffer => {
  const key = Buffer.allocUnsafe(bucketBytes + numberBytes);
  key.writeUIntBE(bucket, 0, bucketBytes);
  key.writeUIntBE(number, bucketBytes, numberBytes);
  return key;
};

export const bucketOfRun = (key: Buffer): number => key.readUIntBE(0, bucketBytes);

/** The keys of one bucket. */
export const bucketRange = (bucket: number): { readonly start: Buffer; readonly end: Buffer } => ({ start: runKey(bucket, 0), end: runKey(bucket, maxSeq) });

/** Entries with these hashes that arrived at one time (epoch ms). */
export const entriesOf = (hashes: readonly Uint8Array[], arrival: number): Buffer => {
  // Out of Node's pool: these stay for a second, and would keep the buffers of all messages beside them.
  const entries = Buffer.allocUnsafeSlow(hashes.length * entryBytes);
  let offset = 0;
  for (const hash of hashes) {
    entries.set(hash, offset);
    entries.writeDoubleLE(arrival, offset + hashBytes);
    offset += entryBytes;
  }
  return entries;
};

/** A run longer by some entries. LMDB reads a value while it is being written, so the run given is left as it is. */
export const extendRun = (run: Buffer | undefined, entries: Uint8Array): Buffer => {
  const length = run?.length ?? bodyStart;
  const longer = Buffer.allocUnsafe(length + entries.length);
  if (run !== undefined) longer.set(run);
  longer.set(entries, length);
  return seal(longer);
};

/** Bytes of entries in a run. */
export const filledBytes = (run: Buffer): number => run.length - bodyStart;

export const entryCount = (run: Buffer): number => filledBytes(run) / entryBytes;

/** What is wrong with a run, or undefined. */
export const runDamageOf = (run: Buffer): string | undefined => damageOf(run) ?? (filledBytes(run) % entryBytes === 0 ? undefined : 'it is cut short');

/** The entries of a run without damage. */
export const entriesIn = (run: Buffer): Buffer => run.subarray(bodyStart);

/** Whether some entry of a run without damage arrived at such a time. */
export const someArrival = (run: Buffer, matches: (arrival: number) => boolean): boolean => {
  for (let offset = bodyStart + hashBytes; offset < run.length; offset += entryBytes) if (matches(run.readDoubleLE(offset))) return true;
  return false;
};
