import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BridgeError, messageOf } from '../../errors.js';
import type { PendingTotals } from '../../uplink/ports.js';
import type { FoundTotals } from './connections.js';
import { syncFolder } from '../../durable-file.js';
import { openTables, type Opened } from './environment.js';
import { runProbe, type ProbedKind } from './run-probe.js';

/** What the child process counted. */
export interface ProbeReport {
  /** Totals by the ordinal of the connection. */
  readonly pending: readonly (readonly [number, PendingTotals])[];
  readonly parked: readonly (readonly [number, PendingTotals])[];
  readonly lastSeq: number;
}

export interface StoreContents extends FoundTotals {
  readonly lastSeq: number;
}

/** What differs from one kind of store to the other. */
export interface StoreKind<Report> {
  /** In a sentence, such as `outbox`. */
  readonly name: string;
  /** For the child process. */
  readonly kind: ProbedKind;
  readonly open: (path: string) => Opened<unknown>;
  /** The report of a new one. */
  readonly empty: Report;
  /** What a person reads about a damaged one. */
  readonly damaged: {
    /** How the next start goes, when it was set aside. */
    readonly nextStart: (path: string) => string;
    readonly advice: string;
    /** It must not be begun anew beside a damaged one until a person said so. */
    readonly precious?: true;
  };
}

const outbox: StoreKind<ProbeReport> = {
  name: 'outbox',
  kind: 'outbox',
  open: openTables,
  empty: { pending: [], parked: [], lastSeq: 0 },
  damaged: { nextStart: () => 'the next start begins with an empty outbox', advice: 'Check the disk; what was pending is in that folder.' },
};

/** What lmdb's default of 126 readers needs, rounded up to whole pages of any size in use. */
const lockFileBytes = 16_384;

/**
 * Gives LMDB's lock file its blocks before LMDB maps it: on a full disk a store into a hole of a mapped file ends the process with SIGBUS.
 * Nobody else may have it open (the lock of the data directory sees to that). LMDB never shrinks it.
 */
const fillLockFile = async (path: string): Promise<void> => {
  const name = join(path, 'lock.mdb');
  const size = await stat(name).then((found) => found.size, () => 0);
  if (size < lockFileBytes) await writeFile(name, Buffer.alloc(lockFileBytes), { mode: 0o600 });
};

/** Builds the empty environment beside its place and moves it in when it is whole, so that an empty file there is always damage. */
const create = async (path: string, openNew: StoreKind<unknown>['open']): Promise<void> => {
  const fresh = join(path, 'new');
  await mkdir(path, { recursive: true, mode: 0o700 });
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o700 });
  await fillLockFile(fresh);
  await openNew(fresh).root.close();
  await rename(join(fresh, 'data.mdb'), join(path, 'data.mdb'));
  await rm(fresh, { recursive: true, force: true });
  await syncFolder(path);
  await syncFolder(dirname(path));
};

const asideMark = '.damaged-';

const setAside = async (path: string, { nextStart }: StoreKind<object>['damaged']): Promise<string> => {
  const aside = `${path}${asideMark}${new Date().toISOString().replaceAll(':', '-')}`;
  return rename(path, aside).then(
    () => `it was set aside as ${aside}; ${nextStart(path)}`,
    (error: unknown) => `it could not be set aside (${messageOf(error)}): move it away before the next start`,
  );
};

const storeCorrupt = async (path: string, { name, damaged }: StoreKind<object>, damage: string): Promise<BridgeError> =>
  new BridgeError('store_corrupt', { detail: `the ${name} in ${path} is damaged: ${damage}; ${await setAside(path, damaged)}. ${damaged.advice}` });

/** Sets a damaged outbox aside; gives the error that says so. Nobody may have it open. */
export const outboxDamaged = (path: string, damage: string): Promise<BridgeError> => storeCorrupt(path, outbox, damage);

const isThere = async (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
      throw error;
    },
  );

/** @throws Error when a damaged one was set aside and nobody decided what stands in for it: an empty one would look as if all had been deleted */
const assertDecided = async (path: string, { precious, nextStart }: StoreKind<object>['damaged']): Promise<void> => {
  if (precious !== true || (await isThere(path))) return;
  const aside = (await readdir(dirname(path)).catch(() => [])).find((name) => name.startsWith(`${basename(path)}${asideMark}`));
  if (aside !== undefined) throw new Error(`a damaged one was set aside as ${join(dirname(path), aside)}; ${nextStart(path)}`);
};

/**
 * Makes sure that the store in a folder can be opened without harm, and gives the report of its probe; makes an empty one where there is none.
 * @throws BridgeError `store_corrupt` after setting a damaged one aside, `store_unavailable` when it cannot be read or made.
 */
export const checkStoreOf = async <Report extends object>(path: string, storeKind: StoreKind<Report>): Promise<Report> => {
  const { name, kind, open: openNew, empty, damaged } = storeKind;
  try {
    const isNew = !(await isThere(join(path, 'data.mdb')));
    if (isNew) await assertDecided(path, damaged);
    if (isNew) await create(path, openNew);
    await fillLockFile(path);
    if (isNew) return empty;
  } catch (cause) {
    throw new BridgeError('store_unavailable', { detail: `cannot make the ${name} in ${path}: ${messageOf(cause)}`, cause });
  }
  const { size } = await stat(join(path, 'data.mdb'));
  const answer = size === 0 ? { damage: 'it is empty' } : await runProbe<Report>({ kind, path, size });
  if ('unreadable' in answer) throw new BridgeError('store_unavailable', { detail: `cannot read the ${name} in ${path}: ${answer.unreadable}` });
  if ('damage' in answer) throw await storeCorrupt(path, storeKind, answer.damage);
  return answer;
};

/** The same for an outbox, with what it holds. */
export const checkStore = async (path: string): Promise<StoreContents> => {
  const report = await checkStoreOf(path, outbox);
  return { ...report, pending: new Map(report.pending), parked: new Map(report.parked) };
};
