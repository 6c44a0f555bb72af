import { readdirSync, statSync, truncateSync } from 'node:fs';
import t, { type Test } from 'tap';
import { BridgeError } from '../../../../src/errors.js';
import { addAll, deadlineOf, newDevice, newDownlink, newSubmitted, recordWork } from '../../../contracts/downlink-store-samples.js';
import { testDir } from '../../../support/test-dir.js';
import { until } from '../../../support/until.js';
import { openDownlinks } from './open-downlinks.js';
import { damages, flipEvery, overwrite, type Damage } from '../overwrite.js';

const marker = 'find-this-on-the-disk';

/** A closed store with something in every table. */
const filled = async (t: Test): Promise<{ readonly dataDir: string; readonly file: string }> => {
  const dataDir = testDir(t);
  const store = await openDownlinks(t, dataDir);
  const downlinks = Array.from({ length: 400 }, (_, index) => newDownlink(`n${index}`, `d${index % 20}`, { payload: '00'.repeat(200), options: { marker } }));
  await addAll(store, downlinks);
  await addAll(store, [newDownlink('m', 's')], 'mailbox');
  await store.queue.collect({ deviceId: 's', requestId: 'r', again: false, rememberMs: 60_000 });
  await store.submitted.put(newSubmitted(newDownlink('x', 'd0')));
  store.devices.heard(newDevice('d0'));
  await store.close(deadlineOf(5_000));
  return { dataDir, file: `${dataDir}/downlinks/data.mdb` };
};

const refused = async (t: Test, dataDir: string): Promise<void> => {
  const error: unknown = await openDownlinks(t, dataDir).then(() => undefined, (thrown: unknown) => thrown);
  t.ok(error instanceof BridgeError, `refused: ${String(error)}`);
  t.match(error, { reason: 'store_corrupt', message: /downlink store/ });
  const aside = readdirSync(dataDir).filter((name) => name.startsWith('downlinks.damaged-'));
  t.equal(aside.length, 1, 'set aside');
  t.ok(String(error).includes(aside[0] ?? '?'), 'the error says where');
  const store = await openDownlinks(t, dataDir);
  t.equal((await store.queue.totals('main')).waiting, 0, 'the next start begins with an empty one');
  await addAll(store, [newDownlink('after', 'd')]);
  t.equal((await store.queue.totals('main')).waiting, 1);
};

void t.test('an undamaged store opens, with everything in it', async (t) => {
  const { dataDir } = await filled(t);
  const store = await openDownlinks(t, dataDir);
  const work = recordWork();
  store.queue.start(work);
  await until('all left', () => work.handed.length === 400);
  t.same(await store.devices.find('d0'), newDevice('d0'));
});

void t.test('a damaged file is detected before it is served', async (t) => {
  const everyDamage: Readonly<Record<string, Damage>> = {
    ...damages,
    'cut to its first two pages': (file) => { truncateSync(file, 8_192); },
    'its middle zeroed': (file, size) => { overwrite(file, Math.floor(size / 2), Buffer.alloc(65_536)); },
    'one byte of every downlink flipped': (file) => flipEvery(file, marker),
  };
  for (const [name, damage] of Object.entries(everyDamage)) {
    await t.test(name, async (t) => {
      const { dataDir, file } = await filled(t);
      damage(file, statSync(file).size);
      await refused(t, dataDir);
    });
  }
});

void t.test('a path that cannot be a data directory is refused', async (t) => {
  const dir = testDir(t, { file: 'not a folder' });
  await t.rejects(openDownlinks(t, `${dir}/file`), Object.assign(new Error(), { name: 'BridgeError', reason: 'store_unavailable' }));
});
