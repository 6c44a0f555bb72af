import { getRandomValues } from 'node:crypto';
import type { DeviceRecord } from '../../../downlink/ports.js';
import { hashText } from '../../../text-hash.js';

/**
 * Which records of devices are stored as they are, in 12 bytes each and without an object for any: 32 bits of a hash of the id say
 * which device, 64 of all else what its record says. It may forget a device, and takes a changed record for the stored one once in 2^64.
 */
export interface KnownRecords {
  /** Whether this very record is stored. */
  has(record: DeviceRecord): boolean;
  add(record: DeviceRecord): void;
  /** Of the device with this id, whatever it says; with it may go a device whose id has the same hash. */
  delete(deviceId: string): void;
}

const entryWords = 3;
/** Entries of a group: one group is all that is looked at. */
const groupEntries = 8;
const groupWords = entryWords * groupEntries;
const leastGroups = 4;
/** Each grows by itself: to move half a million entries at once would take 30 ms. */
const partBits = 4;
const partCount = 2 ** partBits;
/** Groups double when they are filled by half on average: until then one device in a hundred finds its group full and takes another's place. */
const mostPerGroup = groupEntries / 2;

/** What the hashes of one process begin with: nobody can send records that it takes for each other. */
const seeds = getRandomValues(new Int32Array(3));
const [idSeed = 0, oneSeed = 0, otherSeed = 0] = seeds;
const contentHash = (seed: number, { networkServerId, connectionIds, address }: DeviceRecord): number => {
  let hash = hashText(seed ^ connectionIds.length, networkServerId);
  for (const id of connectionIds) hash = hashText(hash, id);
  for (const name in address) hash = hashText(hashText(hash, name), address[name] ?? '');
  return hash;
};

/** The entries whose ids have the same first bits. */
interface Part {
  has(id: number, one: number, other: number): boolean;
  add(id: number, one: number, other: number): void;
  delete(id: number): void;
}

const createPart = (most: number): Part => {
  let words = new Int32Array(leastGroups * groupWords);
  let groups = leastGroups;
  let size = 0;

  /** The place in the group of `id` that begins with `mark`, or -1. */
  const placeOf = (id: number, mark: number): number => {
    const group = (id & (groups - 1)) * groupWords;
    for (let at = group; at < group + groupWords; at += entryWords) if (words[at] === mark) return at;
    return -1;
  };

  /** The place of this device, else a free one, else that of another device, which is forgotten. */
  const placeFor = (id: number, content: number): number => {
    const known = placeOf(id, id);
    if (known !== -1) return known;
    const free = placeOf(id, 0);
    if (free === -1) return (id & (groups - 1)) * groupWords + (content & (groupEntries - 1)) * entryWords;
    size += 1;
    return free;
  };

  const put = (id: number, one: number, other: number): void => {
    const at = placeFor(id, one);
    words[at] = id;
    words[at + 1] = one;
    words[at + 2] = other;
  };

  const grow = (): void => {
    const before = words;
    groups *= 2;
    words = new Int32Array(groups * groupWords);
    size = 0;
    for (let at = 0; at < before.length; at += entryWords) {
      const id = before[at] ?? 0;
      if (id !== 0) put(id, before[at + 1] ?? 0, before[at + 2] ?? 0);
    }
  };

  return {
    has(id, one, other) {
      const at = placeOf(id, id);
      return at !== -1 && words[at + 1] === one && words[at + 2] === other;
    },
    add(id, one, other) {
      if (size >= groups * mostPerGroup && size < most) grow();
      put(id, one, other);
    },
    delete(id) {
      const at = placeOf(id, id);
      if (at === -1) return;
      words[at] = 0;
      size -= 1;
    },
  };
};

/** @param most Devices for which there is room; of more, some are forgotten. */
export const createKnownRecords = (most: number): KnownRecords => {
  const parts = Array.from({ length: partCount }, () => createPart(most / partCount));
  /** Never 0: so are free places marked. */
  const idHash = (deviceId: string): number => hashText(idSeed, deviceId) || 1;
  const partOf = (id: number): Part | undefined => parts[id >>> (32 - partBits)];

  return {
    has(record) {
      const id = idHash(record.deviceId);
      return partOf(id)?.has(id, contentHash(id ^ oneSeed, record), contentHash(id ^ otherSeed, record)) === true;
    },
    add(record) {
      const id = idHash(record.deviceId);
      partOf(id)?.add(id, contentHash(id ^ oneSeed, record), contentHash(id ^ otherSeed, record));
    },
    delete(deviceId) {
      const id = idHash(deviceId);
      partOf(id)?.delete(id);
    },
  };
};
