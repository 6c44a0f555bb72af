import type { Table } from '../environment.js';
import { Damage, walkTables, writeReport } from '../probe-report.js';
import { damageOf } from '../record-encoding.js';
import type { DownlinkReport } from './downlink-store-kind.js';
import { seqAtEnd } from './downlink-keys.js';
import { openDownlinkTables } from './downlink-tables.js';

/** Entry of the child process that reads a whole downlink store before the bridge does; `probe-downlinks.js FOLDER` writes one JSON object to stdout. */

/** The highest position in the keys of a table, all of whose values are whole. */
const checkValues = (table: Table, name: string, length: 'seq' | 'submitted' | 'hash'): number => {
  let lastSeq = 0;
  for (const { key, value } of table.getRange({})) {
    const damage = damageOf(value);
    const seq = length === 'hash' ? 0 : seqAtEnd(key, length);
    if (damage !== undefined || seq === undefined) throw new Damage(`${name} ${key.toString('hex')}: ${damage ?? 'its key is wrong'}`);
    lastSeq = Math.max(lastSeq, seq);
  }
  return lastSeq;
};

writeReport((path): DownlinkReport => {
  const { tables } = openDownlinkTables(path, true);
  walkTables(tables);
  for (const name of ['seen', 'answers', 'devices'] as const) checkValues(tables[name], name, 'hash');
  return { lastSeq: Math.max(checkValues(tables.waiting, 'waiting', 'seq'), checkValues(tables.notices, 'notices', 'seq'), checkValues(tables.submitted, 'submitted', 'submitted')) };
});
