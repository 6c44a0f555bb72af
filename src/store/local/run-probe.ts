import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Answer } from './probe-report.js';

/** What the probe can read. */
export type ProbedKind = 'outbox' | 'resources' | 'downlinks';

export interface ProbedStore {
  readonly kind: ProbedKind;
  /** Its folder. */
  readonly path: string;
  /** Bytes of its file. */
  readonly size: number;
}

type ProcessError = Error & { readonly code?: unknown; readonly signal?: unknown };
type Ended = { readonly answers: readonly Answer<object>[] } | { readonly error: ProcessError };

const program = fileURLToPath(new URL('./probe.js', import.meta.url));
/** Reading 100 GB from a slow disk fits in; a probe that takes longer hangs. */
const timeoutMs = 15 * 60_000;
/** Signals by which the memory map of a damaged file ends a process; any other one came from outside. */
const crashes: ReadonlySet<unknown> = new Set(['SIGBUS', 'SIGSEGV', 'SIGABRT', 'SIGFPE', 'SIGILL']);
/** Below this a process takes longer to begin than to read the file; larger ones are read side by side. */
const smallBytes = 16 * 1024 * 1024;
/** A bridge checks all its stores at once: those asked for within so many ms share a process. */
const gatherMs = 10;

const answersIn = (stdout: string): Ended => {
  try {
    return { answers: JSON.parse(stdout) as Answer<object>[] };
  } catch {
    return { error: new Error('it gave no answer') };
  }
};

/** Its stderr holds LMDB's own words and is not passed on. */
const run = (stores: readonly ProbedStore[]): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(process.execPath, [program, ...stores.flatMap(({ kind, path }) => [kind, path])], { timeout: timeoutMs }, (error, stdout) => {
      resolve(error === null ? answersIn(stdout) : { error });
    });
  });

const noAnswer = { unreadable: 'the check of the file failed: it gave no answer' };

const probeAlone = async (store: ProbedStore): Promise<Answer<object>> => {
  const ended = await run([store]);
  if ('answers' in ended) return ended.answers[0] ?? noAnswer;
  const { error } = ended;
  return crashes.has(error.signal) ? { damage: `reading it ended in ${String(error.signal)}` } : { unreadable: `the check of the file failed: ${error.message}` };
};

const isWhole = (answer: Answer<object>): boolean => !('damage' in answer) && !('unreadable' in answer);

/** One process for all. Unless it found all of them whole, each is read again by a process of its own: nobody knows which one ended it, or led it astray in another. */
const probeTogether = async (stores: readonly ProbedStore[]): Promise<readonly Promise<Answer<object>>[]> => {
  if (stores.length > 1) {
    const ended = await run(stores);
    if ('answers' in ended && ended.answers.every(isWhole)) return stores.map(async (_, index) => ended.answers[index] ?? noAnswer);
  }
  return stores.map(probeAlone);
};

let gathered: ProbedStore[] = [];
let answers: Promise<readonly Promise<Answer<object>>[]> | undefined;

const gather = (store: ProbedStore): Promise<Answer<object>> => {
  answers ??= new Promise<void>((resolve) => setTimeout(resolve, gatherMs)).then(() => {
    const stores = gathered;
    gathered = [];
    answers = undefined;
    return probeTogether(stores);
  });
  const index = gathered.push(store) - 1;
  return answers.then((all) => all[index] ?? noAnswer);
};

/** Reads a whole store in another process, which a damaged file may end. Never rejects. */
export const runProbe = <Report extends object>(store: ProbedStore): Promise<Answer<Report>> =>
  (store.size > smallBytes ? probeAlone(store) : gather(store)) as Promise<Answer<Report>>;
