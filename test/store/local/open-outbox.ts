import type { Test } from 'tap';
import { createLogger } from '../../../src/log.js';
import { openLocalOutbox, type LocalOutbox, type LocalOutboxOptions } from '../../../src/store/local/local-outbox.js';

/** Opens an outbox that closes itself with the test. */
export const openOutbox = async (t: Test, dataDir: string, changes: Partial<LocalOutboxOptions> = {}): Promise<LocalOutbox> => {
  const outbox = await openLocalOutbox({
    dataDir,
    maxBytes: 50_000_000,
    dedupWindowMs: 7_200_000,
    parkedMaxBytes: 10_000_000,
    logger: createLogger('silent'),
    ...changes,
  });
  t.teardown(() => outbox.close());
  return outbox;
};

