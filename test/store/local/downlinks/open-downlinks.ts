import type { Test } from 'tap';
import { createLogger } from '../../../../src/log.js';
import { openLocalDownlinks, type LocalDownlinks, type LocalDownlinksOptions } from '../../../../src/store/local/downlinks/local-downlinks.js';
import { deadlineOf } from '../../../contracts/downlink-store-samples.js';

/** Opens a downlink store that closes itself with the test. */
export const openDownlinks = async (t: Test, dataDir: string, changes: Partial<LocalDownlinksOptions> = {}): Promise<LocalDownlinks> => {
  const store = await openLocalDownlinks({ dataDir, ratePerSecond: () => 10_000, reportWindowMs: 3_600_000, logger: createLogger('silent'), ...changes });
  t.teardown(() => store.close(deadlineOf(5_000)));
  return store;
};
