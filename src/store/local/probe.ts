import { openTables, type Table } from './environment.js';
import { ordinalOf, seqOf } from './outbox-keys.js';
import { damageOf, storedBytes } from './record-encoding.js';
import { Damage, walkTables, writeReport } from './probe-report.js';
import type { ProbeReport } from './check-store.js';

/**
 * Entry of the child process that reads a whole outbox before the bridge does: LMDB maps the file and follows what it
 * finds there, so a damaged one may end the process with SIGBUS or SIGSEGV, which only a process of its own survives.
 * `probe.js FOLDER` writes one JSON object to stdout.
 */

interface Count {
  messages: number;
  bytes: number;
}

const countTable = (table: Table, name: string): { readonly byOrdinal: Map<number, Count>; readonly lastSeq: number } => {
  const byOrdinal = new Map<number, Count>();
  let lastSeq = 0;
  for (const { key, value } of table.getRange({})) {
    const seq = key.length === 8 ? seqOf(key) : 0;
    const damage = key.length === 8 ? damageOf(value) : 'its key is wrong';
    if (damage !== undefined) throw new Damage(`${name} ${seq}: ${damage}`);
    const count = byOrdinal.get(ordinalOf(key)) ?? { messages: 0, bytes: 0 };
    count.messages += 1;
    count.bytes += storedBytes(value);
    byOrdinal.set(ordinalOf(key), count);
    lastSeq = Math.max(lastSeq, seq);
  }
  return { byOrdinal, lastSeq };
};

const report = (path: string): ProbeReport => {
  const { tables } = openTables(path, true);
  walkTables(tables);
  const records = countTable(tables.records, 'record');
  const parked = countTable(tables.parked, 'parked record');
  return { pending: [...records.byOrdinal], parked: [...parked.byOrdinal], lastSeq: Math.max(records.lastSeq, parked.lastSeq) };
};

writeReport(report);
