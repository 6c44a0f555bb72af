import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { openTables } from '../../../src/store/local/environment.js';
import { recordKey } from '../../../src/store/local/outbox-keys.js';
import { newAppend, newParkedAppend, readAll } from '../../contracts/outbox-samples.js';
import { testDir } from '../../support/test-dir.js';
import { openOutbox } from './open-outbox.js';
import { flipEvery, garbage, overwrite } from './overwrite.js';

const program = fileURLToPath(new URL('../../../src/store/local/probe.js', import.meta.url));
const marker = 'find-this-payload-on-the-disk';
const connections = ['main', 'other', 'third'];
const park = { reason: 'topic_invalid', detail: '' } as const;

/** A closed outbox: 600 messages of three connections, one with the marker, every fourth settled, and 90 parked ones. */
const filled = async (t: Test): Promise<string> => {
  const dataDir = testDir(t);
  const outbox = await openOutbox(t, dataDir);
  for (let batch = 0; batch < 30; batch += 1) {
    const fields = (index: number) => ({ connectionId: connections[(batch + index) % 3] ?? '', payload: Buffer.from((batch === 17 && index === 3 ? marker : '').padEnd(500 + index, '.')) });
    await outbox.append(Array.from({ length: 20 }, (_, index) => newAppend(`${batch}-${index}`, fields(index))));
    await outbox.append(Array.from({ length: 3 }, (_, index) => newParkedAppend(`${batch}-${index}p`, park, fields(index))));
  }
  for (const id of connections) await outbox.settle((await readAll(outbox, id)).filter((_, index) => index % 4 === 0).map((record) => ({ outcome: 'delivered', record })));
  await outbox.close();
  return `${dataDir}/outbox`;
};

interface Answer {
  readonly pending?: readonly [number, { readonly messages: number }][];
  readonly parked?: readonly [number, { readonly messages: number }][];
  readonly damage?: string;
}

/** In pieces of so many: with few there are many pieces, and so threads. */
const probe = async (path: string, size: number): Promise<Answer> => {
  const { stdout } = await promisify(execFile)(process.execPath, [program, `--records=${size}`, 'outbox', path]);
  const [answer = {}] = JSON.parse(stdout) as Answer[];
  return answer;
};

const sum = (counts: Answer['pending'] = []): number => counts.reduce((total, [, { messages }]) => total + messages, 0);

void t.test('threads count in pieces what one counts as a whole', async (t) => {
  const path = await filled(t);
  const whole = await probe(path, 100_000);
  t.equal(sum(whole.pending), 450);
  t.equal(sum(whole.parked), 90);
  for (const size of [1, 7, 50]) t.same(await probe(path, size), whole, `pieces of ${size}`);
});

void t.test('a record that is not whole is found in its piece', async (t) => {
  const path = await filled(t);
  flipEvery(`${path}/data.mdb`, marker);
  for (const size of [20, 100_000]) t.match(await probe(path, size), { damage: /^records, \d+ after position \d+: its checksum is wrong$/ }, `pieces of ${size}`);
});

void t.test('pages that are not whole are found, or end the probe alone', async (t) => {
  const path = await filled(t);
  const file = `${path}/data.mdb`;
  overwrite(file, Math.floor(statSync(file).size / 2), garbage(65_536));
  const found = await probe(path, 20).then(({ damage }) => damage !== undefined, ({ signal }: { readonly signal?: string }) => signal !== undefined && signal !== null);
  t.ok(found);
});

void t.test('a key that is none of an outbox is damage', async (t) => {
  const keys = { 'too short': Buffer.from([0, 0, 1]), 'too long': Buffer.concat([recordKey(0, 30), Buffer.from([1])]), 'at the very end': recordKey(0, 2 ** 48 - 1) };
  for (const [name, key] of Object.entries(keys)) {
    const path = await filled(t);
    const { root, tables } = openTables(path);
    const [any] = tables.records.getRange({ limit: 1 });
    await tables.records.put(key, any?.value ?? Buffer.alloc(0));
    await root.close();
    for (const size of [20, 100_000]) t.match(await probe(path, size), { damage: /key|entries are missing/ }, `${name}, pieces of ${size}`);
  }
});

void t.test('positions that lie far apart make no endless work', async (t) => {
  const path = await filled(t);
  const { root, tables } = openTables(path);
  const [any] = tables.records.getRange({ limit: 1 });
  for (const key of [recordKey(0, 2 ** 40), recordKey(0xffff, 5)]) await tables.records.put(key, any?.value ?? Buffer.alloc(0));
  await root.close();
  t.equal(sum((await probe(path, 20)).pending), 452);
});
