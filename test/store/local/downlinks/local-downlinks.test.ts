import { statSync } from 'node:fs';
import t from 'tap';
import { createLogger } from '../../../../src/log.js';
import { openLocalDownlinks } from '../../../../src/store/local/downlinks/local-downlinks.js';
import { downlinkStoreContract } from '../../../contracts/downlink-store.js';
import { testDir } from '../../../support/test-dir.js';

void t.test('the contract of the downlink store', async (t) => {
  await downlinkStoreContract(t, 'local', async (t) => {
    const dataDir = testDir(t);
    return { open: (settings) => openLocalDownlinks({ dataDir, logger: createLogger('silent'), ...settings }) };
  });
});

void t.test('the folder and its file are for the bridge alone', async (t) => {
  const dataDir = `${testDir(t)}/not/yet`;
  const store = await openLocalDownlinks({ dataDir, logger: createLogger('silent'), ratePerSecond: () => 10, reportWindowMs: 1_000 });
  await store.close({ remaining: () => 1_000 });
  t.equal(statSync(`${dataDir}/downlinks`).mode & 0o777, 0o700);
  t.equal(statSync(`${dataDir}/downlinks/data.mdb`).mode & 0o777, 0o600);
});
