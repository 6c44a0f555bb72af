import type { StoreKind } from '../check-store.js';
import { openResourceTables } from './resource-tables.js';

/** What the child process found. */
export interface ResourceReport {
  /** The highest position in use. */
  readonly lastSeq: number;
}

export const resourceStoreKind: StoreKind<ResourceReport> = {
  name: 'resource store',
  kind: 'resources',
  open: openResourceTables,
  empty: { lastSeq: 0 },
  damaged: {
    // An empty one would look as if somebody had deleted every connection, and webhooks would be refused for good.
    precious: true,
    nextStart: (path) =>
      `the bridge does not start without it: put the folder from a backup back as ${path}, or make an empty folder ${path} to begin without the connections, network servers and flows that were made through the API`,
    advice: 'Check the disk; what is declared in the configuration file is not affected.',
  },
};
