import { parentPort, workerData } from 'node:worker_threads';
import { openTables } from './environment.js';
import { countPieces, type PieceCount, type SharedPieces } from './probe-pieces.js';
import { answerTo, type Answer } from './probe-report.js';

/** What a thread of the probe is given. */
export interface ThreadWork extends SharedPieces {
  readonly path: string;
}

/** What it posts. */
export type ThreadAnswer = Answer<{ readonly counts: readonly PieceCount[] }>;

const { path, ...shared } = workerData as ThreadWork;
const answer: ThreadAnswer = await answerTo(() => ({ counts: countPieces(openTables(path, true).root, shared) }));
parentPort?.postMessage(answer);
