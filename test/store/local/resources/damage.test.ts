import { cpSync, mkdirSync, readdirSync, renameSync, statSync, truncateSync } from 'node:fs';
import t, { type Test } from 'tap';
import { BridgeError } from '../../../../src/errors.js';
import { closeResources, newAudit, put } from '../../../contracts/resource-store.js';
import { testDir } from '../../../support/test-dir.js';
import { damages, flipEvery, type Damage } from '../overwrite.js';
import { openResources } from './open-resources.js';

const marker = 'find-this-on-the-disk';

/** A closed store with something in every table. */
const filled = async (t: Test): Promise<{ readonly dataDir: string; readonly file: string }> => {
  const dataDir = testDir(t);
  const opened = await openResources(t, dataDir);
  for (let version = 0; version < 20; version += 1) await opened.resources.write([put(`c${version}`, { marker, pem: 'x'.repeat(4_000) })], version, newAudit('a'));
  for (let index = 0; index < 100; index += 1) opened.events.note({ subject: { kind: 'connection', id: 'c1' }, time: 1, level: 'info', text: `${marker} ${index}` });
  await closeResources(opened);
  return { dataDir, file: `${dataDir}/resources/data.mdb` };
};

const errorOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined, (thrown: unknown) => thrown);

const refused = async (t: Test, dataDir: string): Promise<string> => {
  const error = await errorOf(openResources(t, dataDir));
  t.ok(error instanceof BridgeError, `refused: ${String(error)}`);
  t.match(error, { reason: 'store_corrupt', message: /the resource store in .* is damaged: .*; the bridge does not start without it: put the folder from a backup back/ });
  const aside = readdirSync(dataDir).filter((name) => name.startsWith('resources.damaged-'));
  t.equal(aside.length, 1, 'set aside');
  t.ok(String(error).includes(aside[0] ?? '?'), 'the error says where');
  return `${dataDir}/${aside[0]}`;
};

void t.test('an undamaged store opens, with everything in it', async (t) => {
  const { dataDir } = await filled(t);
  const { resources, events } = await openResources(t, dataDir);
  t.equal((await resources.read()).resources.length, 20);
  t.equal((await events.events(undefined, { limit: 1_000 })).entries.length, 100);
});

void t.test('a damaged file is detected before it is served', async (t) => {
  const everyDamage: Readonly<Record<string, Damage>> = {
    ...damages,
    'one byte of every value flipped': (file) => flipEvery(file, marker),
  };
  for (const [name, damage] of Object.entries(everyDamage)) {
    await t.test(name, async (t) => {
      const { dataDir, file } = await filled(t);
      damage(file, statSync(file).size);
      await refused(t, dataDir);
    });
  }
});

void t.test('no start after damage makes an empty store by itself, until somebody decides what stands in for it', async (t) => {
  const { dataDir, file } = await filled(t);
  cpSync(`${dataDir}/resources`, `${dataDir}/backup`, { recursive: true });
  truncateSync(file, 100);
  const aside = await refused(t, dataDir);
  for (let start = 0; start < 2; start += 1) {
    const error = await errorOf(openResources(t, dataDir));
    t.match(error, { reason: 'store_unavailable', message: /a damaged one was set aside as .*the bridge does not start without it.*make an empty folder/ });
    t.ok(String(error).includes(aside));
  }
  await t.test('a backup', async (t) => {
    renameSync(`${dataDir}/backup`, `${dataDir}/resources`);
    const opened = await openResources(t, dataDir);
    t.equal((await opened.resources.read()).version, 20);
    await closeResources(opened);
    renameSync(`${dataDir}/resources`, `${dataDir}/backup`);
  });
  await t.test('an empty folder', async (t) => {
    mkdirSync(`${dataDir}/resources`);
    t.strictSame(await (await openResources(t, dataDir)).resources.read(), { version: 0, resources: [] });
  });
});
