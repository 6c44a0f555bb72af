import { checkValues, walkTables } from '../probe-report.js';
import type { DownlinkReport } from './downlink-store-kind.js';
import { openDownlinkTables } from './downlink-tables.js';

/** Reads a whole downlink store. @throws Damage, or what LMDB throws */
export const reportDownlinks = (path: string): DownlinkReport => {
  const { tables } = openDownlinkTables(path, true);
  walkTables(tables);
  for (const name of ['seen', 'answers', 'devices', 'activity', 'lives', 'things'] as const) checkValues(tables[name], name, 'hash');
  return { lastSeq: Math.max(checkValues(tables.waiting, 'waiting', 'seq'), checkValues(tables.notices, 'notices', 'seq'), checkValues(tables.submitted, 'submitted', 'owned')) };
};
