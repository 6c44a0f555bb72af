import { checkValues, walkTables } from '../probe-report.js';
import type { ResourceReport } from './resource-store-kind.js';
import { openResourceTables } from './resource-tables.js';

/** Reads a whole resource store. @throws Damage, or what LMDB throws */
export const reportResources = (path: string): ResourceReport => {
  const { tables } = openResourceTables(path, true);
  walkTables(tables);
  checkValues(tables.resources, 'resource', 'hash');
  checkValues(tables.subjects, 'subject', 'owned');
  return { lastSeq: Math.max(checkValues(tables.audits, 'audit entry', 'seq'), checkValues(tables.events, 'event', 'seq')) };
};
