import { parentPort, workerData } from 'node:worker_threads';
import { openTables } from './environment.js';
import { countPiece, openChecked, type Piece, type PieceCount } from './probe-pieces.js';
import { answerTo, type Answer } from './probe-report.js';

/** What a thread of the probe is given. */
export interface ThreadWork {
  readonly path: string;
  readonly pieces: readonly Piece[];
  /** One number that all threads share: the next piece that nobody took. */
  readonly next: SharedArrayBuffer;
}

/** What it posts. */
export type ThreadAnswer = Answer<{ readonly counts: readonly PieceCount[] }>;

const countPieces = ({ path, pieces, next }: ThreadWork): PieceCount[] => {
  const { root } = openTables(path, true);
  const tables = { records: openChecked(root, 'records'), parked: openChecked(root, 'parked') };
  const taken = new Int32Array(next);
  const counts: PieceCount[] = [];
  for (let piece = pieces[Atomics.add(taken, 0, 1)]; piece !== undefined; piece = pieces[Atomics.add(taken, 0, 1)]) counts.push(countPiece(tables[piece.table], piece));
  return counts;
};

const answer: ThreadAnswer = await answerTo(() => ({ counts: countPieces(workerData as ThreadWork) }));
parentPort?.postMessage(answer);
