import { messageOf } from '../../errors.js';
import type { Table } from './environment.js';

/** Thrown by a probe for what is wrong with the file. */
export class Damage extends Error {}

/** Walks the pages of a table and compares with the number of entries that LMDB keeps. */
const walk = (table: Table, name: string): void => {
  const { entryCount } = table.getStats() as { readonly entryCount: number };
  if (table.getKeysCount({}) !== entryCount) throw new Damage(`table ${name}: entries are missing`);
};

export const walkTables = (tables: object): void => {
  for (const [name, table] of Object.entries(tables)) walk(table as Table, name);
};

/** Errors of the operating system (positive codes) say nothing about the file: access denied, no memory, an I/O error. */
const isSystemError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (typeof error.code === 'string' || (typeof error.code === 'number' && error.code > 0));

const tryReport = (report: (path: string) => object): object => {
  try {
    return report(process.argv[2] ?? '');
  } catch (error) {
    return isSystemError(error) ? { unreadable: messageOf(error) } : { damage: messageOf(error) };
  }
};

/** Runs a probe on the folder that the process was given, and writes its report, or why there is none, to stdout as one JSON object. */
export const writeReport = (report: (path: string) => object): void => {
  process.stdout.write(JSON.stringify(tryReport(report)));
};
