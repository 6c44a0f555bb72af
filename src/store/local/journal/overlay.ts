import { SlotMap } from '../../../slot-map.js';
import type { Table, Tables } from '../environment.js';
import { ordinalOf, recordKey, recordRange, seqOf } from '../outbox-keys.js';
import type { RunWriter } from '../run-writer.js';
import type { Changes, KeyAndValue } from './frames.js';

/**
 * What stands in the journal and not in LMDB yet. Whoever reads the outbox looks here first.
 * All positions here are above those in LMDB, since what writes there directly takes along what is here.
 */
export interface Overlay {
  /** Durable changes of the journal. */
  apply(changes: Changes): void;
  /** Begins a new part; the one before is about to be stored. */
  freeze(): void;
  /** Whether a part waits to be stored. */
  readonly frozen: boolean;
  /** Bytes of a part's records that are not settled. */
  adds(part: 'frozen' | 'all'): number;
  /** Puts the frozen part, or all of it. */
  write(tables: Tables, runs: Pick<RunWriter, 'write'>, part: 'frozen' | 'all'): void;
  /** That is durable in LMDB. */
  stored(part: 'frozen' | 'all'): void;
  /** The value of a record, `removed`, or undefined when only LMDB knows. */
  find(key: Buffer): Buffer | 'removed' | undefined;
  /** The records of a connection after a position, in order, those of LMDB first. */
  recordsAfter(records: Table, ordinal: number, afterSeq: number): Iterable<StoredRecord>;
  /** Entries of what was seen in a bucket. */
  seen(bucket: number): readonly Buffer[];
  /** The value of an entry that is in no run. */
  single(key: Buffer): Buffer | undefined;
  readonly hasSingles: boolean;
  /** Records by key, and the keys of records in LMDB that are settled. */
  contents(): { readonly records: readonly KeyAndValue[]; readonly removed: readonly Buffer[] };
}

export interface StoredRecord {
  readonly seq: number;
  readonly value: Buffer;
}

interface Part {
  /** Values by position, by connection. */
  readonly records: Map<number, SlotMap<number, Buffer>>;
  /** Keys by position: of records that are not in this part. */
  readonly removed: Map<number, Buffer>;
  readonly seen: Map<number, Buffer[]>;
  readonly singles: Map<string, KeyAndValue>;
}

/** Bytes of a record's key, and of what LMDB keeps with it. */
const besideValue = 64;

const newPart = (): Part => ({ records: new Map(), removed: new Map(), seen: new Map(), singles: new Map() });

const addTo = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
};

const apply = (part: Part, { records = [], removed = [], seen = [], singles = [] }: Changes): void => {
  for (const { key, value } of records) addTo(part.records, ordinalOf(key), () => new SlotMap<number, Buffer>()).set(seqOf(key), value);
  for (const key of removed) if (part.records.get(ordinalOf(key))?.delete(seqOf(key)) !== true) part.removed.set(seqOf(key), key);
  for (const [bucket, entries] of seen) addTo(part.seen, bucket, () => []).push(entries);
  for (const single of singles) part.singles.set(single.key.toString('latin1'), single);
};

const recordsOf = ({ records }: Part): KeyAndValue[] => [...records].flatMap(([ordinal, values]) => [...values].map(([seq, value]) => ({ key: recordKey(ordinal, seq), value })));

const write = (part: Part, later: Part | undefined, { records, seen }: Tables, runs: Pick<RunWriter, 'write'>, tables: Tables): void => {
  for (const { key, value } of recordsOf(part)) if (later?.removed.has(seqOf(key)) !== true) void records.put(key, value);
  for (const key of part.removed.values()) void records.remove(key);
  for (const [bucket, entries] of part.seen) runs.write(tables, bucket, Buffer.concat(entries));
  for (const { key, value } of part.singles.values()) void seen.put(key, value);
};

export const createOverlay = (): Overlay => {
  let frozen: Part | undefined;
  let current = newPart();

  const parts = (): Part[] => (frozen === undefined ? [current] : [frozen, current]);
  const bytesOf = (part: Part): number => {
    let bytes = 0;
    for (const values of part.records.values()) {
      for (const [seq, value] of values) if (part === current || !current.removed.has(seq)) bytes += value.length + besideValue;
    }
    return bytes;
  };
  const isRemoved = (seq: number): boolean => current.removed.has(seq) || frozen?.removed.has(seq) === true;

  return {
    apply: (changes) => { apply(current, changes); },
    freeze() {
      frozen = current;
      current = newPart();
    },
    get frozen() {
      return frozen !== undefined;
    },
    adds: (part) => (part === 'all' ? parts() : parts().slice(0, 1)).reduce((bytes, one) => bytes + bytesOf(one), 0),
    write(tables, runs, part) {
      if (frozen !== undefined) write(frozen, part === 'all' ? current : undefined, tables, runs, tables);
      if (part === 'all') write(current, undefined, tables, runs, tables);
    },
    stored(part) {
      frozen = undefined;
      if (part === 'all') current = newPart();
    },
    find(key) {
      const ordinal = ordinalOf(key);
      const seq = seqOf(key);
      if (isRemoved(seq)) return 'removed';
      return current.records.get(ordinal)?.get(seq) ?? frozen?.records.get(ordinal)?.get(seq);
    },
    *recordsAfter(records, ordinal, afterSeq) {
      for (const { key, value } of records.getRange(recordRange(ordinal, afterSeq))) {
        const seq = seqOf(key);
        // The frozen part may be in LMDB already, and is still here.
        if (!isRemoved(seq) && frozen?.records.get(ordinal)?.has(seq) !== true) yield { seq, value };
      }
      for (const part of parts()) {
        for (const [seq, value] of part.records.get(ordinal) ?? []) if (seq > afterSeq && !isRemoved(seq)) yield { seq, value };
      }
    },
    seen: (bucket) => parts().flatMap((part) => part.seen.get(bucket) ?? []),
    single(key) {
      if (current.singles.size === 0 && frozen === undefined) return undefined;
      const text = key.toString('latin1');
      return (current.singles.get(text) ?? frozen?.singles.get(text))?.value;
    },
    get hasSingles() {
      return parts().some(({ singles }) => singles.size > 0);
    },
    contents: () => ({ records: parts().flatMap(recordsOf), removed: parts().flatMap(({ removed }) => [...removed.values()]) }),
  };
};
