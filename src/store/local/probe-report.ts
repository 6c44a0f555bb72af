import { messageOf } from '../../errors.js';
import type { Table } from './environment.js';
import { seqAtEnd } from './keys.js';
import { damageOf } from './record-encoding.js';

/** Thrown by a probe for what is wrong with the file. */
export class Damage extends Error {}

/** Thrown by a probe that cannot tell. */
export class Unreadable extends Error {}

/** What a probe has to say: damage, no answer, or what it found. */
export type Answer<T> = T | { readonly damage: string } | { readonly unreadable: string };

/** The number of entries of a table that LMDB keeps. */
export const entriesOf = (table: Table): number => (table.getStats() as { readonly entryCount: number }).entryCount;

/** Walks the pages of a table and compares with the number of entries that LMDB keeps. */
const walk = (table: Table, name: string): void => {
  if (table.getKeysCount({}) !== entriesOf(table)) throw new Damage(`table ${name}: entries are missing`);
};

export const walkTables = (tables: object): void => {
  for (const [name, table] of Object.entries(tables)) walk(table as Table, name);
};

/** The highest position in the keys of a table, all of whose values are whole. An older store is without some tables. */
export const checkValues = (table: Table | undefined, name: string, length: 'seq' | 'owned' | 'hash'): number => {
  let lastSeq = 0;
  for (const { key, value } of table?.getRange({}) ?? []) {
    const damage = damageOf(value);
    const seq = length === 'hash' ? 0 : seqAtEnd(key, length);
    if (damage !== undefined || seq === undefined) throw new Damage(`${name} ${key.toString('hex')}: ${damage ?? 'its key is wrong'}`);
    lastSeq = Math.max(lastSeq, seq);
  }
  return lastSeq;
};

/** Errors of the operating system (positive codes) say nothing about the file: access denied, no memory, an I/O error. */
const isSystemError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (typeof error.code === 'string' || (typeof error.code === 'number' && error.code > 0));

/** What came of the work, with what was thrown told apart. */
export const answerTo = async <T extends object>(work: () => T | Promise<T>): Promise<Answer<T>> => {
  try {
    return await work();
  } catch (error) {
    return error instanceof Unreadable || isSystemError(error) ? { unreadable: messageOf(error) } : { damage: messageOf(error) };
  }
};
