import type { StoreKind } from '../check-store.js';
import { openDownlinkTables } from './downlink-tables.js';

/** What the child process found. */
export interface DownlinkReport {
  /** The highest position in use. */
  readonly lastSeq: number;
}

export const downlinkStoreKind: StoreKind<DownlinkReport> = {
  name: 'downlink store',
  kind: 'downlinks',
  open: openDownlinkTables,
  empty: { lastSeq: 0 },
  damaged: { nextStart: () => 'the next start begins with an empty downlink store', advice: 'Check the disk; what was pending is in that folder.' },
};
