import { open, type Database, type RootDatabase } from 'lmdb';

export type Table = Database<Buffer, Buffer>;

/** The tables of the outbox; all of them change in one transaction. */
export interface Tables {
  readonly records: Table;
  readonly parked: Table;
  /** What was seen, in runs of one minute; an older file is without it until it is opened for writing. */
  readonly runs: Table;
  /** What was seen and is in no run: acceptance time by key. */
  readonly seen: Table;
  readonly meta: Table;
}

/** What the tables of every store have. */
export interface AnyTables {
  readonly meta: Table;
}

/** One LMDB environment with one writer. */
export interface Environment<T extends AnyTables = Tables> {
  /** Undefined only while a broken environment cannot be opened again. */
  tables(): T | undefined;
  /** The tables, opened again when the environment is broken. @throws the cause */
  ready(): Promise<T>;
  /**
   * Runs the puts and removes of `write`, which must not throw, in one transaction; resolves after fdatasync.
   * One at a time, after `ready`. @throws the cause; then nothing of it is kept.
   */
  commit(write: (tables: T) => void): Promise<void>;
  /** Bytes of pages within the file that hold nothing any more: the file never shrinks, and is filled again before it grows. */
  readonly reusableBytes: () => number;
  /** Up to where the file is used. */
  readonly endBytes: () => number;
  close(): Promise<void>;
}

export interface Opened<T> {
  readonly root: RootDatabase<Buffer, Buffer>;
  readonly tables: T;
}

const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;

/**
 * A value that is read is copied into memory that several share, as Node does for small buffers; lmdb gives each one memory of its own, which costs more
 * than the reading. `length` of the buffer that it comes in is that of the value, though the buffer goes on behind it.
 */
const copied = { encoder: { encode: (value: Buffer): Buffer => value, decode: (found: Buffer): Buffer => Buffer.from(found.subarray(0, found.length)) } };

/**
 * `overlappingSync` stays off: with it a commit is visible, and stays so, when its fdatasync fails, so a refused batch could be delivered.
 * `eventTurnBatching` is off because the outbox gathers by itself and a batch must never be split over two commits.
 */
const lmdbOptions = { ...binary, maxDbs: 16, noSubdir: false, overlappingSync: false, eventTurnBatching: false, permissionsMode: 0o600 };

export interface OpenOptions {
  readonly readOnly?: boolean;
  /** Tables that an older file may be without: read only, they are then left out. */
  readonly added?: readonly string[];
}

/** Opens the environment in a folder, with tables of these names (at most 16). It must have passed the probe: LMDB crashes the process on a damaged file. */
export const openNamed = <Name extends string>(path: string, names: readonly Name[], { readOnly = false, added = [] }: OpenOptions = {}): Opened<Readonly<Record<Name, Table>>> => {
  const root = open<Buffer, Buffer>({ path, ...lmdbOptions, readOnly });
  const table = (name: string): [string, Table][] => {
    const opened = root.openDB<Buffer, Buffer>({ name, ...binary, ...copied }) as Table | undefined;
    if (opened === undefined && !added.includes(name)) throw new Error(`the table ${name} is missing`);
    return opened === undefined ? [] : [[name, opened]];
  };
  return { root, tables: Object.fromEntries(names.flatMap(table)) as Record<Name, Table> };
};

/** Opens the environment of an outbox. */
export const openTables = (path: string, readOnly = false): Opened<Tables> => openNamed(path, ['records', 'parked', 'runs', 'seen', 'meta'], { readOnly, added: ['runs'] });

/**
 * The cause behind a failed commit. lmdb rejects the write and, separately, a promise in `commitError`: left alone, the
 * second one ends the process as an unhandled rejection.
 */
const causeOf = async (error: unknown): Promise<unknown> => {
  const commitError: unknown = error instanceof Error && 'commitError' in error ? error.commitError : undefined;
  if (!(commitError instanceof Promise)) return error;
  return commitError.then(() => error, (cause: unknown) => cause);
};

const anyKey = Buffer.from('sequence');

/**
 * Whether LMDB begins transactions. After a failed write of its meta page it refuses all of them for ever, and a write handed to
 * lmdb would never be answered; a fresh reading transaction shows it.
 */
const usable = ({ root, tables }: Opened<AnyTables>): boolean => {
  try {
    root.resetReadTxn();
    tables.meta.doesExist(anyKey);
    return true;
  } catch {
    return false;
  }
};

interface PageCounts {
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

interface RootStats extends PageCounts {
  readonly pageSize: number;
  readonly lastPageNumber: number;
  /** The table of free pages itself. */
  readonly free: PageCounts;
}

const metaPages = 2;

const usedEnd = ({ root }: Opened<object>): number => {
  const { lastPageNumber, pageSize } = root.getStats() as RootStats;
  return (lastPageNumber + 1) * pageSize;
};

const unusedBytes = ({ root, tables }: Opened<object>): number => {
  const stats = root.getStats() as RootStats;
  const counts = [stats, stats.free, ...Object.values(tables).map((table) => (table as Table).getStats() as PageCounts)];
  const used = counts.reduce((sum, { treeBranchPageCount, treeLeafPageCount, overflowPages }) => sum + treeBranchPageCount + treeLeafPageCount + overflowPages, metaPages);
  return Math.max(0, stats.lastPageNumber + 1 - used) * stats.pageSize;
};

export const openEnvironment = <T extends AnyTables>(path: string, openHere: (path: string) => Opened<T>): Environment<T> => {
  let opened: Opened<T> | undefined = openHere(path);
  let closing: Promise<void> | undefined;
  /** A commit failed: only after one LMDB may be broken. */
  let doubted = false;

  const ready = async (): Promise<T> => {
    if (doubted && opened !== undefined && !usable(opened)) {
      const { root } = opened;
      opened = undefined;
      closing = root.close().finally(() => (closing = undefined));
    }
    if (closing !== undefined) await closing;
    opened ??= openHere(path);
    doubted = false;
    // Whoever reads now sees what is committed.
    opened.root.resetReadTxn();
    return opened.tables;
  };

  const commit = async (write: (tables: T) => void): Promise<void> => {
    if (opened === undefined) throw new Error('the environment is closed');
    const { root, tables } = opened;
    try {
      await root.batch(() => { write(tables); });
    } catch (error) {
      const cause = await causeOf(error);
      doubted = true;
      await ready().catch(() => undefined);
      throw cause;
    }
  };

  return {
    tables: () => opened?.tables,
    ready,
    commit,
    reusableBytes: () => (opened === undefined ? 0 : unusedBytes(opened)),
    endBytes: () => (opened === undefined ? 0 : usedEnd(opened)),
    close: async () => opened?.root.close(),
  };
};
