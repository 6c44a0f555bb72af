import { mkdirSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { BridgeError } from '../../../src/errors.js';
import { newAppend, readAll } from '../../contracts/outbox-samples.js';
import { testDir } from '../../support/test-dir.js';
import { openOutbox } from './open-outbox.js';
import { damages, flipEvery, garbage, overwrite, type Damage } from './overwrite.js';

const marker = 'find-this-payload-on-the-disk';

/** A closed outbox with 400 records, 2 of them with the marker, some settled and some parked. */
const filled = async (t: Test): Promise<{ readonly dataDir: string; readonly file: string }> => {
  const dataDir = testDir(t);
  const outbox = await openOutbox(t, dataDir);
  for (let batch = 0; batch < 20; batch += 1) {
    const names = Array.from({ length: 20 }, (_, index) => `${batch}-${index}`);
    await outbox.append(names.map((name) => newAppend(name, { payload: Buffer.from(`${name === '7-3' ? marker : name}`.padEnd(1_000, '.')) })));
  }
  const records = await readAll(outbox);
  await outbox.settle(records.slice(0, 40).map((record) => ({ outcome: 'delivered', record })));
  await outbox.settle(records.slice(380).map((record) => ({ outcome: 'parked', record, reason: 'expired', detail: '' })));
  await outbox.close();
  return { dataDir, file: `${dataDir}/outbox/data.mdb` };
};

const refused = async (t: Test, dataDir: string): Promise<void> => {
  const error: unknown = await openOutbox(t, dataDir).then(() => undefined, (thrown: unknown) => thrown);
  t.ok(error instanceof BridgeError, `refused: ${String(error)}`);
  t.match(error, { reason: 'store_corrupt' });
  const aside = readdirSync(dataDir).filter((name) => name.startsWith('outbox.damaged-'));
  t.equal(aside.length, 1, 'set aside');
  t.ok(String(error).includes(aside[0] ?? '?'), 'the error says where');
  t.notOk(readdirSync(dataDir).includes('outbox'));
  const outbox = await openOutbox(t, dataDir);
  t.equal(outbox.pending('main').messages, 0, 'the next start begins with an empty outbox');
  await outbox.append([newAppend('after')]);
  t.equal((await readAll(outbox)).length, 1);
};

void t.test('an undamaged outbox opens, with everything in it', async (t) => {
  const { dataDir } = await filled(t);
  const outbox = await openOutbox(t, dataDir);
  t.equal((await readAll(outbox)).length, 340);
  t.equal(outbox.restored('main'), 340);
  t.equal(outbox.parkedTotals().messages, 20);
});

void t.test('a damaged file is detected before it is served', async (t) => {
  const everyDamage: Readonly<Record<string, Damage>> = {
    ...damages,
    'cut within the first page': (file) => { truncateSync(file, 100); },
    'cut to its first two pages': (file) => { truncateSync(file, 8_192); },
    'its middle overwritten': (file, size) => { overwrite(file, Math.floor(size / 2), garbage(65_536)); },
    'its middle zeroed': (file, size) => { overwrite(file, Math.floor(size / 2), Buffer.alloc(65_536)); },
    'one byte of a payload flipped': (file) => flipEvery(file, marker),
  };
  for (const [name, damage] of Object.entries(everyDamage)) {
    await t.test(name, async (t) => {
      const { dataDir, file } = await filled(t);
      damage(file, statSync(file).size);
      await refused(t, dataDir);
    });
  }
});

void t.test('64 KB of garbage anywhere in the file is either detected or hits nothing that is used', async (t) => {
  for (const share of [0.1, 0.3, 0.7, 0.9]) {
    const { dataDir, file } = await filled(t);
    overwrite(file, Math.floor((statSync(file).size * share) / 4_096) * 4_096, garbage(65_536));
    const outcome = await openOutbox(t, dataDir).then(
      async (outbox) => (await readAll(outbox)).length === 340,
      (error: unknown) => error instanceof BridgeError && error.reason === 'store_corrupt',
    );
    t.equal(outcome, true, `at ${share} of the file`);
  }
});

void t.test('a leftover lock file or a half-made outbox does no harm', async (t) => {
  const { dataDir, file } = await filled(t);
  rmSync(file);
  mkdirSync(`${dataDir}/outbox/new`);
  writeFileSync(`${dataDir}/outbox/new/data.mdb`, garbage(5_000));
  const outbox = await openOutbox(t, dataDir);
  await outbox.append([newAppend('a')]);
  t.equal((await readAll(outbox)).length, 1);
});
