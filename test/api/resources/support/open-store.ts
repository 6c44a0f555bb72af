import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { createLogger } from '../../../../src/log.js';
import { openLocalResources, type LocalResources } from '../../../../src/store/local/resources/local-resources.js';

export interface OpenStore extends LocalResources {
  readonly dataDir: string;
}

/** The store of one test in a folder of its own; both are gone after it. */
export const openStore = async (t: Test): Promise<OpenStore> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'api-resources-'));
  const opened = await openLocalResources({ dataDir, logger: createLogger('silent') });
  t.teardown(async () => {
    await Promise.all([opened.resources.close(), opened.events.close()]);
    await rm(dataDir, { recursive: true, force: true });
  });
  return { ...opened, dataDir };
};
