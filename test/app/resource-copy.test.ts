import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { AuditEntry, ResourceStore } from '../../src/api/ports.js';
import { withCopy } from '../../src/app/resource-copy.js';
import { BridgeError } from '../../src/errors.js';
import { createLogger } from '../../src/log.js';
import { openLocalResources } from '../../src/store/local/resources/local-resources.js';
import { openSnapshotCopy } from '../../src/store/local/snapshot-copy.js';
import { testDir } from '../support/test-dir.js';

const logger = createLogger('fatal');
const audit: AuditEntry = { time: 1, who: 'ops', role: 'admin', from: '127.0.0.1', action: 'create', kind: 'flow', id: 'a', changed: [] };
const put = (id: string) => [{ put: { kind: 'flow', id, document: { id } } }] as const;

/** A real store that can be away. */
const openStore = async (t: Test, dataDir: string): Promise<{ store: ResourceStore; away: boolean }> => {
  const { resources, events } = await openLocalResources({ dataDir, logger });
  t.teardown(async () => {
    await events.close();
    await resources.close();
  });
  const place = { store: resources, away: false };
  const refuse = (): void => {
    if (place.away) throw new BridgeError('redis_unavailable');
  };
  place.store = {
    ...resources,
    read: async () => (refuse(), resources.read()),
    write: async (changes, version, entry) => (refuse(), resources.write(changes, version, entry)),
  };
  return place;
};

void t.test('a start while the store is away runs with what was seen last', async (t) => {
  const dataDir = testDir(t, { store: {} });
  const place = await openStore(t, join(dataDir, 'store'));
  const first = withCopy(place.store, openSnapshotCopy({ dataDir }), logger);
  t.match(await first.read(), { version: 0, resources: [] });
  await first.write(put('a'), 0, audit);
  place.away = true;
  await t.rejects(first.read(), { name: 'BridgeError', reason: 'redis_unavailable' }, 'while it runs, it knows already');
  const second = withCopy(place.store, openSnapshotCopy({ dataDir }), logger);
  t.match(await second.read(), { version: 1, resources: [{ id: 'a' }] });
  await t.rejects(second.write(put('b'), 1, audit), { name: 'BridgeError', reason: 'redis_unavailable' });
  place.away = false;
  t.match(await second.read(), { version: 1 });
});

void t.test('without a copy the failure is told', async (t) => {
  const dataDir = testDir(t, { store: {} });
  const place = await openStore(t, join(dataDir, 'store'));
  place.away = true;
  await t.rejects(withCopy(place.store, openSnapshotCopy({ dataDir }), logger).read(), { name: 'BridgeError', reason: 'redis_unavailable' });
});

void t.test('a store that lost its data is not followed', async (t) => {
  const dataDir = testDir(t, { store: {}, empty: {} });
  const place = await openStore(t, join(dataDir, 'store'));
  const copy = openSnapshotCopy({ dataDir });
  await withCopy(place.store, copy, logger).write(put('a'), 0, audit);
  const empty = await openStore(t, join(dataDir, 'empty'));
  await t.rejects(withCopy(empty.store, copy, logger).read(), { reason: 'store_unavailable', message: /lost data.*resources-copy\.json/s });
  t.match(JSON.parse(await readFile(join(dataDir, 'resources-copy.json'), 'utf8')), { version: 1 }, 'the copy stays');
});

void t.test('a damaged copy is told by its name', async (t) => {
  const dataDir = testDir(t, { store: {} });
  await writeFile(join(dataDir, 'resources-copy.json'), '{');
  const place = await openStore(t, join(dataDir, 'store'));
  await t.rejects(withCopy(place.store, openSnapshotCopy({ dataDir }), logger).read(), { reason: 'store_unavailable', message: /resources-copy\.json/ });
});
