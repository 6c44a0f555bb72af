import { checkValues, walkTables, writeReport } from '../probe-report.js';
import type { ResourceReport } from './resource-store-kind.js';
import { openResourceTables } from './resource-tables.js';

/** Entry of the child process that reads a whole resource store before the bridge does; `probe-resources.js FOLDER` writes one JSON object to stdout. */
await writeReport((path): ResourceReport => {
  const { tables } = openResourceTables(path, true);
  walkTables(tables);
  checkValues(tables.resources, 'resource', 'hash');
  checkValues(tables.subjects, 'subject', 'owned');
  return { lastSeq: Math.max(checkValues(tables.audits, 'audit entry', 'seq'), checkValues(tables.events, 'event', 'seq')) };
});
