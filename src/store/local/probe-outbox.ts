import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { PendingTotals } from '../../uplink/ports.js';
import type { ProbeReport } from './check-store.js';
import { openTables } from './environment.js';
import { countPieces, piecesOf, recordTables, type Piece, type PieceCount, type SharedPieces } from './probe-pieces.js';
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

/** Begins the threads beside this one. */
const readBeside = (path: string, shared: SharedPieces): Promise<readonly (readonly PieceCount[])[]> => {
  const threads = shared.pieces.length < fewestPieces ? 0 : Math.min(mostThreads, availableParallelism()) - 1;
  const counting = Promise.all(Array.from({ length: threads }, () => inThread({ path, ...shared })));
  // What this thread finds may be told first.
  counting.catch(() => undefined);
  return counting;
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
  const shared: SharedPieces = { pieces, next: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT) };
  const beside = readBeside(path, shared);
  walkTables(others);
  // This thread reads too: another one takes a while to begin.
  const own = countPieces(opened.root, shared);
  const counts = [own, ...(await beside)].flat();
  for (const table of recordTables) {
    const found = counts.filter((count) => count.table === table).reduce((sum, { messages }) => sum + messages, 0);
    if (found !== entriesOf(opened.tables[table])) throw new Damage(`table ${table}: entries are missing`);
  }
  return { pending: totalsOf(counts, 'records'), parked: totalsOf(counts, 'parked'), lastSeq: pieces.reduce((most, { last }) => Math.max(most, last), 0) };
};
