import { hashBytes } from './keys.js';
import { entryBytes } from './seen-runs.js';

/**
 * Hashes with the times of their arrival, exact, in about 45 bytes each and without an object for any: a map of JavaScript takes three times as much.
 * The entries lie as they do in a run; beside them is a table of their places with open addressing.
 */
export interface SeenTable {
  /** Entries, also of hashes that came more than once. */
  readonly size: number;
  /** Adds entries in the form of a run. */
  add(entries: Uint8Array): void;
  /** Whether the hash is there with an arrival (epoch ms) that matches. */
  has(hash: Uint8Array, matches: (arrival: number) => boolean): boolean;
}

const entryWords = entryBytes / 4;
const hashWords = hashBytes / 4;
/** Places are a power of two, and this share of them at most is taken. */
const mostTaken = 0.75;
const leastSlots = 64;

/** The hash that is looked for, as words in the byte order of this machine, which is that of the entries read as words. */
const wanted = new Uint32Array(hashWords);
const wantedBytes = new Uint8Array(wanted.buffer);

const slotsFor = (entries: number): number => {
  let slots = leastSlots;
  while (slots * mostTaken < entries) slots *= 2;
  return slots;
};

/** @param expected Entries for which room is made at once. */
export const createSeenTable = (expected = 0): SeenTable => {
  let size = 0;
  let capacity = 0;
  let words = new Uint32Array();
  let bytes = new Uint8Array();
  let arrivals = new DataView(bytes.buffer);
  /** The number of an entry and 1, or 0. */
  let slots = new Uint32Array();

  /** Enters entries from one number to another. Hashes are even in all their bits, so the first ones say where an entry is. */
  const place = (from: number, end: number): void => {
    const entries = words;
    const places = slots;
    const mask = places.length - 1;
    for (let index = from; index < end; index += 1) {
      let slot = (entries[index * entryWords] ?? 0) & mask;
      while (places[slot] !== 0) slot = (slot + 1) & mask;
      places[slot] = index + 1;
    }
  };

  const growFor = (entries: number): void => {
    const before = bytes;
    slots = new Uint32Array(slotsFor(entries));
    capacity = Math.floor(slots.length * mostTaken);
    words = new Uint32Array(capacity * entryWords);
    bytes = new Uint8Array(words.buffer);
    arrivals = new DataView(words.buffer);
    bytes.set(before.subarray(0, size * entryBytes));
    place(0, size);
  };
  growFor(expected);

  const isWanted = (index: number): boolean => {
    const at = index * entryWords;
    return words[at] === wanted[0] && words[at + 1] === wanted[1] && words[at + 2] === wanted[2] && words[at + 3] === wanted[3];
  };

  return {
    get size() {
      return size;
    },
    add(entries) {
      const from = size;
      const end = from + entries.length / entryBytes;
      if (end > capacity) growFor(end);
      bytes.set(entries, from * entryBytes);
      place(from, end);
      size = end;
    },
    has(hash, matches) {
      wantedBytes.set(hash);
      const mask = slots.length - 1;
      for (let slot = (wanted[0] ?? 0) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
        const index = (slots[slot] ?? 0) - 1;
        if (isWanted(index) && matches(arrivals.getFloat64(index * entryBytes + hashBytes, true))) return true;
      }
      return false;
    },
  };
};
