import { execFile } from 'node:child_process';
import { mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BridgeError, messageOf } from '../../errors.js';
import type { PendingTotals } from '../../uplink/ports.js';
import { openTables } from './environment.js';

/** What the child process counted. */
export interface ProbeReport {
  /** Totals by the ordinal of the connection. */
  readonly pending: readonly (readonly [number, PendingTotals])[];
  readonly parked: PendingTotals;
  readonly lastSeq: number;
}

export interface StoreContents {
  readonly pending: ReadonlyMap<number, PendingTotals>;
  readonly parked: PendingTotals;
  readonly lastSeq: number;
}

type ProbeAnswer = ProbeReport | { readonly damage: string } | { readonly unreadable: string };

const nothing: StoreContents = { pending: new Map(), parked: { messages: 0, bytes: 0 }, lastSeq: 0 };

/** Reading 100 GB from a slow disk fits in; a probe that takes longer hangs. */
const probeTimeoutMs = 15 * 60_000;
/** Signals by which the memory map of a damaged file ends a process; any other one came from outside. */
const crashes: ReadonlySet<unknown> = new Set(['SIGBUS', 'SIGSEGV', 'SIGABRT', 'SIGFPE', 'SIGILL']);

const probePath = fileURLToPath(new URL('./probe.js', import.meta.url));

const answerOf = (error: Error & { code?: unknown; signal?: unknown } | null, stdout: string): ProbeAnswer => {
  if (crashes.has(error?.signal)) return { damage: `reading it ended in ${String(error?.signal)}` };
  if (error !== null) return { unreadable: `the check of the file failed: ${error.message}` };
  return JSON.parse(stdout) as ProbeAnswer;
};

/** Runs the probe; its stderr holds LMDB's own words and is not passed on. */
const probe = (path: string): Promise<ProbeAnswer> =>
  new Promise((resolve) => {
    execFile(process.execPath, [probePath, path], { timeout: probeTimeoutMs }, (error, stdout) => { resolve(answerOf(error, stdout)); });
  });

/** Makes the names in a folder durable (fsync of a file does not cover its name). */
const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
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
const create = async (path: string): Promise<void> => {
  const fresh = join(path, 'new');
  await mkdir(path, { recursive: true, mode: 0o700 });
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o700 });
  await fillLockFile(fresh);
  await openTables(fresh).root.close();
  await rename(join(fresh, 'data.mdb'), join(path, 'data.mdb'));
  await rm(fresh, { recursive: true, force: true });
  await syncFolder(path);
  await syncFolder(dirname(path));
};

const setAside = async (path: string): Promise<string> => {
  const aside = `${path}.damaged-${new Date().toISOString().replaceAll(':', '-')}`;
  return rename(path, aside).then(
    () => `it was set aside as ${aside}; the next start begins with an empty outbox`,
    (error: unknown) => `it could not be set aside (${messageOf(error)}): move it away before the next start`,
  );
};

const isThere = async (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
      throw error;
    },
  );

/**
 * Makes sure that the outbox in a folder can be opened without harm, and counts what is in it; makes an empty one where there is none.
 * @throws BridgeError `store_corrupt` after setting a damaged one aside, `store_unavailable` when it cannot be read or made.
 */
export const checkStore = async (path: string): Promise<StoreContents> => {
  try {
    const isNew = !(await isThere(join(path, 'data.mdb')));
    if (isNew) await create(path);
    await fillLockFile(path);
    if (isNew) return nothing;
  } catch (cause) {
    throw new BridgeError('store_unavailable', { detail: `cannot make the outbox in ${path}: ${messageOf(cause)}`, cause });
  }
  const { size } = await stat(join(path, 'data.mdb'));
  const answer = size === 0 ? { damage: 'it is empty' } : await probe(path);
  if ('unreadable' in answer) throw new BridgeError('store_unavailable', { detail: `cannot read the outbox in ${path}: ${answer.unreadable}` });
  if ('damage' in answer) {
    throw new BridgeError('store_corrupt', { detail: `the outbox in ${path} is damaged: ${answer.damage}; ${await setAside(path)}. Check the disk; what was pending is in that folder.` });
  }
  return { ...answer, pending: new Map(answer.pending) };
};
