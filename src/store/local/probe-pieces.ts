import type { RootDatabase } from 'lmdb';
import type { Table } from './environment.js';
import { maxOrdinal, ordinalOf, recordKey, recordRange, seqOf } from './outbox-keys.js';
import { Damage } from './probe-report.js';
import { damageOf, storedBytes } from './record-encoding.js';

/** The tables of an outbox that hold records. */
export const recordTables = ['records', 'parked'] as const;
export type RecordTable = (typeof recordTables)[number];

/** A part of the records of one connection. */
export interface Piece {
  readonly table: RecordTable;
  readonly ordinal: number;
  /** Positions from `first` to `last`. */
  readonly first: number;
  readonly last: number;
}

/** What a piece holds. */
export interface PieceCount extends Piece {
  readonly messages: number;
  readonly bytes: number;
}

/** Positions may lie far apart: a connection is cut into no more than so many. */
const mostPieces = 1_000;
const keyBytes = 8;

const firstKey = (table: Table, range: { readonly start?: Buffer; readonly end?: Buffer; readonly reverse?: true }, name: RecordTable): Buffer | undefined => {
  const [key] = table.getKeys({ ...range, limit: 1 });
  if (key !== undefined && key.length !== keyBytes) throw new Damage(`${name} ${key.toString('hex')}: its key is wrong`);
  return key;
};

/** Cuts a table into pieces of about so many records, where the positions lie close together. */
export const piecesOf = (table: Table, name: RecordTable, size: number): Piece[] => {
  const pieces: Piece[] = [];
  let lowest = firstKey(table, {}, name);
  while (lowest !== undefined) {
    const ordinal = ordinalOf(lowest);
    const next = ordinal < maxOrdinal ? recordKey(ordinal + 1, 0) : undefined;
    const highest = firstKey(table, { ...(next === undefined ? {} : { start: next }), end: lowest, reverse: true }, name);
    const end = highest === undefined || ordinalOf(highest) !== ordinal ? seqOf(lowest) : seqOf(highest);
    const step = Math.max(size, Math.ceil((end - seqOf(lowest) + 1) / mostPieces));
    for (let first = seqOf(lowest); first <= end; first += step) pieces.push({ table: name, ordinal, first, last: Math.min(first + step - 1, end) });
    lowest = next === undefined ? undefined : firstKey(table, { start: next }, name);
  }
  return pieces;
};

/** A table that gives the length of each key, and of each value the length or a text that says what is wrong with it. */
interface CheckedTable {
  getRange(range: { readonly start: Buffer; readonly end: Buffer }): Iterable<{ readonly key: number; readonly value: number | string }>;
}

/** The bytes are looked at where the binding of LMDB put them: a copy of each key and value would more than double the time of the check. */
const lookingOnly = {
  encoder: {
    encode() {
      throw new Error('a probe writes nothing');
    },
    decode: (bytes: Buffer, length: number): number | string => damageOf(bytes, length) ?? length,
  },
  keyEncoder: {
    writeKey(key: Buffer, target: Buffer, position: number): number {
      target.set(key, position);
      return position + key.length;
    },
    readKey: (_source: Buffer, start: number, end: number): number => end - start,
  },
};

const openChecked = (root: RootDatabase<Buffer, Buffer>, name: RecordTable): CheckedTable => root.openDB({ name, ...lookingOnly }) as unknown as CheckedTable;

/** Reads a piece. @throws Damage at the first record that is not whole */
const countPiece = (checked: CheckedTable, piece: Piece): PieceCount => {
  const { table, ordinal, first, last } = piece;
  let messages = 0;
  let bytes = 0;
  for (const { key, value } of checked.getRange({ start: recordKey(ordinal, first), end: recordRange(ordinal, last).start })) {
    if (key !== keyBytes) throw new Damage(`a key of ${table} is wrong`);
    if (typeof value === 'string') throw new Damage(`${table}, ${messages + 1} after position ${first - 1}: ${value}`);
    messages += 1;
    bytes += storedBytes({ length: value });
  }
  return { ...piece, messages, bytes };
};

/** Pieces that several readers take in turn. */
export interface SharedPieces {
  readonly pieces: readonly Piece[];
  /** One number that all readers share: the next piece that nobody took. */
  readonly next: SharedArrayBuffer;
}

/** Reads pieces until none is left. @throws Damage */
export const countPieces = (root: RootDatabase<Buffer, Buffer>, { pieces, next }: SharedPieces): PieceCount[] => {
  const tables = { records: openChecked(root, 'records'), parked: openChecked(root, 'parked') };
  const taken = new Int32Array(next);
  const counts: PieceCount[] = [];
  for (let piece = pieces[Atomics.add(taken, 0, 1)]; piece !== undefined; piece = pieces[Atomics.add(taken, 0, 1)]) counts.push(countPiece(tables[piece.table], piece));
  return counts;
};
