import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { PendingTotals } from '../../uplink/ports.js';
import type { ProbeReport } from './check-store.js';
import { openTables, type Opened, type Tables } from './environment.js';
import { countPiece, openChecked, piecesOf, recordTables, type Piece, type PieceCount } from './probe-pieces.js';
import { Damage, entriesOf, Unreadable, walkTables } from './probe-report.js';
import type { ThreadAnswer, ThreadWork } from './probe-thread.js';

/** Reading is bound by the processor, and by the disk beyond so many. */
const mostThreads = 4;
/** With fewer pieces a thread would take longer to begin than it saves. */
const fewestPieces = 4;

const inThread = (work: ThreadWork): Promise<readonly PieceCount[]> =>
  new Promise((resolve, reject) => {
    const thread = new Worker(new URL('./probe-thread.js', import.meta.url), { workerData: work });
    thread.once('message', (answer: ThreadAnswer) => {
      if ('damage' in answer) reject(new Damage(answer.damage));
      else if ('unreadable' in answer) reject(new Unreadable(answer.unreadable));
      else resolve(answer.counts);
    });
    thread.once('error', reject);
  });

const countAll = async (path: string, { root }: Opened<Tables>, pieces: readonly Piece[]): Promise<readonly PieceCount[]> => {
  if (pieces.length < fewestPieces) return pieces.map((piece) => countPiece(openChecked(root, piece.table), piece));
  const work: ThreadWork = { path, pieces, next: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT) };
  const threads = Math.min(mostThreads, availableParallelism());
  return (await Promise.all(Array.from({ length: threads }, () => inThread(work)))).flat();
};

const totalsOf = (counts: readonly PieceCount[], table: Piece['table']): [number, PendingTotals][] => {
  const byOrdinal = new Map<number, PendingTotals>();
  for (const { ordinal, messages, bytes } of counts.filter((count) => count.table === table)) {
    const before = byOrdinal.get(ordinal) ?? { messages: 0, bytes: 0 };
    byOrdinal.set(ordinal, { messages: before.messages + messages, bytes: before.bytes + bytes });
  }
  return [...byOrdinal].sort(([one], [other]) => one - other);
};

/**
 * Reads a whole outbox. Several threads read pieces of so many records: a start waits for it, and nothing else of the bridge has much to do then.
 * @throws Damage, Unreadable, or what LMDB throws
 */
export const reportOutbox = async (path: string, size: number): Promise<ProbeReport> => {
  const opened = openTables(path, true);
  const { records, parked, ...others } = opened.tables;
  const pieces = [...piecesOf(records, 'records', size), ...piecesOf(parked, 'parked', size)];
  const counting = countAll(path, opened, pieces);
  // The other tables may be found damaged first.
  counting.catch(() => undefined);
  walkTables(others);
  const counts = await counting;
  for (const table of recordTables) {
    const found = counts.filter((count) => count.table === table).reduce((sum, { messages }) => sum + messages, 0);
    if (found !== entriesOf(opened.tables[table])) throw new Damage(`table ${table}: entries are missing`);
  }
  return { pending: totalsOf(counts, 'records'), parked: totalsOf(counts, 'parked'), lastSeq: pieces.reduce((most, { last }) => Math.max(most, last), 0) };
};
