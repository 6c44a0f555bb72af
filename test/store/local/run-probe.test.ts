import { statSync, truncateSync } from 'node:fs';
import t, { type Test } from 'tap';
import { runProbe, type ProbedStore } from '../../../src/store/local/run-probe.js';
import { closeResources, newAudit, put } from '../../contracts/resource-store.js';
import { newAppend } from '../../contracts/outbox-samples.js';
import { testDir } from '../../support/test-dir.js';
import { openOutbox } from './open-outbox.js';
import { flipEvery } from './overwrite.js';
import { openResources } from './resources/open-resources.js';

const marker = 'find-this-on-the-disk';

/** Two closed stores of one data directory, each with the marker in it. */
const filled = async (t: Test): Promise<{ readonly outbox: ProbedStore; readonly resources: ProbedStore }> => {
  const dataDir = testDir(t);
  const [outbox, opened] = [await openOutbox(t, dataDir), await openResources(t, dataDir)];
  await outbox.append(Array.from({ length: 50 }, (_, index) => newAppend(`${index}`, { payload: Buffer.from(marker.padEnd(1_000, '.')) })));
  for (let version = 0; version < 20; version += 1) await opened.resources.write([put(`c${version}`, { marker, pem: 'x'.repeat(4_000) })], version, newAudit('a'));
  await outbox.close();
  await closeResources(opened);
  const store = (kind: 'outbox' | 'resources'): ProbedStore => ({ kind, path: `${dataDir}/${kind}`, size: statSync(`${dataDir}/${kind}/data.mdb`).size });
  return { outbox: store('outbox'), resources: store('resources') };
};

const whole = { outbox: { pending: [[0, { messages: 50 }]], lastSeq: 50 }, resources: { lastSeq: 20 } };

/** As a bridge that starts: all at once. */
const probeBoth = async ({ outbox, resources }: Awaited<ReturnType<typeof filled>>): Promise<object> => {
  const [first, second] = await Promise.all([runProbe(outbox), runProbe(resources)]);
  return { outbox: first, resources: second };
};

void t.test('stores that are read at once get the answers that each gets alone', async (t) => {
  const stores = await filled(t);
  const both = await probeBoth(stores);
  t.match(both, whole);
  t.same(both, { outbox: await runProbe(stores.outbox), resources: await runProbe({ ...stores.resources, size: 2 ** 40 }) });
});

void t.test('one that is damaged is told, and the other is whole', async (t) => {
  const stores = await filled(t);
  flipEvery(`${stores.outbox.path}/data.mdb`, marker);
  t.match(await probeBoth(stores), { outbox: { damage: /checksum/ }, resources: whole.resources });
});

void t.test('one that ends the process is told, and the other is whole', async (t) => {
  for (const kind of ['outbox', 'resources'] as const) {
    const stores = await filled(t);
    truncateSync(`${stores[kind].path}/data.mdb`, 8_192);
    t.match(await probeBoth(stores), { ...whole, [kind]: { damage: /SIGBUS/ } }, kind);
  }
});

void t.test('a folder without a store says nothing about the others', async (t) => {
  const { resources } = await filled(t);
  const [missing, other] = await Promise.all([runProbe({ kind: 'outbox', path: `${resources.path}/none`, size: 1 }), runProbe(resources)]);
  t.ok('unreadable' in missing || 'damage' in missing, JSON.stringify(missing));
  t.match(other, whole.resources);
});
