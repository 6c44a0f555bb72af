import { createHash } from 'node:crypto';
import t, { type Test } from 'tap';
import { createLogger } from '../../../src/log.js';
import { openTables } from '../../../src/store/local/environment.js';
import { createOverlay } from '../../../src/store/local/journal/overlay.js';
import { createRunWriter } from '../../../src/store/local/run-writer.js';
import { createSeenMinutes, type SeenMinutes } from '../../../src/store/local/seen-minutes.js';
import { createSeenMessages, type SeenMessages } from '../../../src/store/local/seen-messages.js';
import { entriesOf } from '../../../src/store/local/seen-runs.js';
import { createSeenTable } from '../../../src/store/local/seen-table.js';
import { hashOf } from '../../contracts/outbox-samples.js';
import { testDir } from '../../support/test-dir.js';

const any = (): boolean => true;
const hashes = (count: number, prefix = 'm'): Buffer[] => Array.from({ length: count }, (_, index) => createHash('md5').update(`${prefix}${index}`).digest());

void t.test('a table holds every hash that was added, and no other', async (t) => {
  const table = createSeenTable();
  const added = hashes(20_000);
  for (let index = 0; index < added.length; index += 7) table.add(entriesOf(added.slice(index, index + 7), index));
  t.equal(table.size, 20_000);
  t.ok(added.every((hash) => table.has(hash, any)));
  t.notOk(hashes(20_000, 'other').some((hash) => table.has(hash, any)));
  const flipped = (hash: Buffer, byte: number): Buffer => Buffer.from(hash.map((value, at) => (at === byte ? value ^ 1 : value)));
  t.notOk(added.slice(0, 500).some((hash) => Array.from({ length: 16 }, (_, byte) => flipped(hash, byte)).some((other) => table.has(other, any))), 'all 16 bytes count');
});

void t.test('a hash is found by the arrivals that match, whichever of them came first', async (t) => {
  const table = createSeenTable();
  const [hash = Buffer.alloc(0)] = hashes(1);
  for (const arrival of [1_000, 1.5e12 + 0.25, 3_000]) table.add(entriesOf([hash], arrival));
  for (const arrival of [1_000, 1.5e12 + 0.25, 3_000]) t.ok(table.has(hash, (found) => found === arrival));
  t.notOk(table.has(hash, (found) => found === 2_000));
});

void t.test('hashes that all begin with the same bytes are told apart', async (t) => {
  const alike = hashes(300).map((hash) => Buffer.concat([Buffer.alloc(8, 7), hash.subarray(8)]));
  const table = createSeenTable(10);
  table.add(entriesOf(alike.slice(0, 150), 5));
  t.same(alike.map((hash) => table.has(hash, any)), alike.map((_, index) => index < 150));
});

interface Opened {
  readonly store: (minute: number, added: readonly Buffer[]) => Promise<number>;
  readonly reopened: () => SeenMinutes;
  readonly loads: () => number;
}

/** Small limits: 100 entries in the first bucket of a minute, 50 in each other one, 200 in use. */
const openMinutes = (t: Test): Opened => {
  const { root, tables } = openTables(testDir(t));
  t.teardown(() => root.close());
  let seq = 1;
  let loads = 0;
  const writer = createRunWriter({ take: () => seq++ });
  const environment = { tables: () => { loads += 1; return tables; } };
  const reopened = (): SeenMinutes => createSeenMinutes({ environment, overlay: createOverlay(), logger: createLogger('silent'), limits: { inUse: 200, first: 100, part: 50 } });
  const minutes = reopened();
  const storeOne = async (minute: number, hash: Buffer): Promise<number> => {
    const bucket = minutes.bucketFor(minute, hash);
    if (bucket === undefined) return 0;
    const entries = entriesOf([hash], minute);
    await root.batch(() => { writer.write(tables, bucket, entries); });
    minutes.add(bucket, entries);
    if (!minutes.has(minute, hash, any)) throw new Error('what was added is not known');
    return 1;
  };
  const store = async (minute: number, added: readonly Buffer[]): Promise<number> => {
    let stored = 0;
    for (const hash of added) stored += await storeOne(minute, hash);
    return stored;
  };
  return { store, reopened, loads: () => loads };
};

void t.test('minutes that left the memory are read again', async (t) => {
  const { store, reopened, loads } = openMinutes(t);
  for (let minute = 1; minute <= 12; minute += 1) t.equal(await store(minute, hashes(40, `${minute}.`)), 40);
  const minutes = reopened();
  for (let round = 0; round < 2; round += 1) {
    const before = loads();
    for (let minute = 1; minute <= 12; minute += 1) t.ok(hashes(40, `${minute}.`).every((hash) => minutes.has(minute, hash, any)), `minute ${minute}`);
    t.ok(loads() - before >= 12, 'no minute of the round before was still there');
  }
  const before = loads();
  t.ok(hashes(40, '12.').every((hash) => minutes.has(12, hash, any)));
  t.equal(loads(), before, 'the last one still is');
  t.notOk(hashes(40, '12.').some((hash) => minutes.has(11, hash, any)), 'each minute has its own');
});

void t.test('a minute with many messages goes on in parts until they are full, and is known as a whole', async (t) => {
  const { store, reopened } = openMinutes(t);
  const many = hashes(2_000);
  const stored = await store(7, many);
  t.equal(stored, 100 + 4 * 50);
  const minutes = reopened();
  t.equal(many.filter((hash) => minutes.has(7, hash, any)).length, stored);
  t.equal(minutes.bucketFor(7, hashOf('one more')), undefined);
  t.notOk(minutes.has(7, hashOf('one more'), any));
  t.equal(await store(8, hashes(10)), 10, 'another minute has room');
});

void t.test('what comes for a minute that is full is known too, and again after a restart', async (t) => {
  const { root, tables } = openTables(testDir(t));
  t.teardown(() => root.close());
  const queue = { add: () => undefined, failed: () => undefined, failure: () => undefined, tick: () => undefined, close: () => Promise.resolve() };
  let seq = 1;
  const open = (): SeenMessages => {
    const seen = createSeenMessages({
      environment: { tables: () => tables }, queue, runs: createRunWriter({ take: () => seq++ }), overlay: createOverlay(), logger: createLogger('silent'), windowMs: 1_000, now: () => 5_000, sweepMs: 1e9,
      limits: { inUse: 1_000, first: 10, part: 1 },
    });
    t.teardown(() => { seen.close(); });
    return seen;
  };
  const stored = async (seen: SeenMessages, all: readonly Buffer[]): Promise<number> => {
    const batch = seen.begin(Promise.resolve());
    const fresh = all.filter((dedupKey) => !batch.isDuplicate({ dedupKey, eventTimeMs: 60_000, records: [] }));
    await root.batch(() => { batch.write(tables); });
    batch.done();
    return fresh.length;
  };
  const first = open();
  for (const hash of hashes(60)) t.equal(await stored(first, [hash]), 1);
  t.ok(tables.seen.getKeysCount({}) >= 60 - 10 - 4, 'most are entries of their own');
  t.equal(await stored(first, hashes(60)), 0);
  const second = open();
  t.equal(await stored(second, hashes(60)), 0);
  t.equal(await stored(second, hashes(60, 'other')), 60);
});

void t.test('after a failed transaction a new run begins, and the one before stays as it is on disk', async (t) => {
  const { root, tables } = openTables(testDir(t));
  t.teardown(() => root.close());
  let seq = 1;
  const writer = createRunWriter({ take: () => seq++ });
  const write = (names: readonly Buffer[]): Promise<unknown> => root.batch(() => { writer.write(tables, 256, entriesOf(names, 1)); });
  await write(hashes(3, 'kept'));
  const [first] = [...tables.runs.getRange({})];
  writer.write({ ...tables, runs: { ...tables.runs, put: () => Promise.resolve(false) } as unknown as typeof tables.runs }, 256, entriesOf(hashes(3, 'lost'), 1));
  t.ok(writer.isOpen(first?.key ?? Buffer.alloc(11)));
  writer.closeAll();
  t.notOk(writer.isOpen(first?.key ?? Buffer.alloc(11)));
  await write(hashes(2, 'after'));
  const runs = [...tables.runs.getRange({})];
  t.equal(runs.length, 2);
  t.same(runs[0], first);
});
