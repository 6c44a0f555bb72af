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

/** Asks again each 10 ms until it is so; fails after 20 s. */
export const until = async (what: string, isSo: () => boolean): Promise<void> => {
  const deadline = performance.now() + 20_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`waited 20 s for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
