import type { Test } from 'tap';
import { createLogger } from '../../../../src/log.js';
import { openLocalResources, type LocalResources, type LocalResourcesOptions } from '../../../../src/store/local/resources/local-resources.js';
import { closeResources } from '../../../contracts/resource-store.js';

/** Opens a resource store that closes itself with the test. */
export const openResources = async (t: Test, dataDir: string, changes: Partial<LocalResourcesOptions> = {}): Promise<LocalResources> => {
  const opened = await openLocalResources({ dataDir, logger: createLogger('silent'), ...changes });
  t.teardown(() => closeResources(opened));
  return opened;
};
