import { checkValues, walkTables, writeReport } from '../probe-report.js';
import type { DownlinkReport } from './downlink-store-kind.js';
import { openDownlinkTables } from './downlink-tables.js';

/** Entry of the child process that reads a whole downlink store before the bridge does; `probe-downlinks.js FOLDER` writes one JSON object to stdout. */

await writeReport((path): DownlinkReport => {
  const { tables } = openDownlinkTables(path, true);
  walkTables(tables);
  for (const name of ['seen', 'answers', 'devices', 'activity', 'lives', 'things'] as const) checkValues(tables[name], name, 'hash');
  return { lastSeq: Math.max(checkValues(tables.waiting, 'waiting', 'seq'), checkValues(tables.notices, 'notices', 'seq'), checkValues(tables.submitted, 'submitted', 'owned')) };
});
