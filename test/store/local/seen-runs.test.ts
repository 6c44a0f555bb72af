import { mkdirSync } from 'node:fs';
import t from 'tap';
import { createLogger } from '../../../src/log.js';
import { openNamed, openTables } from '../../../src/store/local/environment.js';
import { seenKey } from '../../../src/store/local/outbox-keys.js';
import { entryCount } from '../../../src/store/local/seen-runs.js';
import type { Append } from '../../../src/uplink/ports.js';
import { hashOf, newAppend, startOfTime, statesOf } from '../../contracts/outbox-samples.js';
import { testDir } from '../../support/test-dir.js';
import { until } from '../../support/until.js';
import { openOutbox } from './open-outbox.js';

const minuteMs = 60_000;
const now = (): number => startOfTime;
const appendAt = (name: string, eventTimeMs: number): Append => ({ ...newAppend(name), eventTimeMs });
const doubleOf = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
};

/** Whether all of them ended so. */
const all = async (states: Promise<string[]>, state: string): Promise<boolean> => (await states).every((found) => found === state);

/** One message at each of many times, some of which no clock that is right shows. */
const times = [
  ...Array.from({ length: 400 }, (_, index) => startOfTime - index * minuteMs), 1, minuteMs - 1, minuteMs, 8.64e15, Number.MAX_SAFE_INTEGER, Infinity, 2 ** 32 * minuteMs - 1, 0, -5, NaN,
];
const atManyTimes = (): Append[] => times.map((time, index) => appendAt(`m${index}`, time));

void t.test('messages of many minutes are known, in the process that stored them and in the next', async (t) => {
  const dataDir = testDir(t);
  const outbox = await openOutbox(t, dataDir, { now });
  t.ok(await all(statesOf(outbox.append(atManyTimes())), 'stored'));
  t.ok(await all(statesOf(outbox.append(atManyTimes().reverse())), 'duplicate'));
  await outbox.close();
  const again = await openOutbox(t, dataDir, { now });
  t.ok(await all(statesOf(again.append(atManyTimes())), 'duplicate'));
  t.ok(await all(statesOf(again.append(times.map((time, index) => appendAt(`other${index}`, time)))), 'stored'));
});

void t.test('the same hash at the last ms of a minute and at the first of the next is two messages', async (t) => {
  const dataDir = testDir(t);
  const pair = [appendAt('a', startOfTime - 1), appendAt('a', startOfTime)];
  const outbox = await openOutbox(t, dataDir, { now });
  t.same(await statesOf(outbox.append(pair)), ['stored', 'stored']);
  t.same(await statesOf(outbox.append([appendAt('a', startOfTime + minuteMs - 1), appendAt('a', startOfTime - minuteMs)])), ['duplicate', 'duplicate']);
  await outbox.close();
  t.same(await statesOf((await openOutbox(t, dataDir, { now })).append(pair)), ['duplicate', 'duplicate']);
});

void t.test('messages that come one by one share runs, over restarts too', async (t) => {
  const dataDir = testDir(t);
  for (const start of [0, 100]) {
    const outbox = await openOutbox(t, dataDir, { now });
    for (let index = start; index < start + 100; index += 1) t.same(await statesOf(outbox.append([newAppend(`m${index}`)])), ['stored']);
    await outbox.close();
  }
  const { root, tables } = openTables(`${dataDir}/outbox`);
  const sizes = [...tables.runs.getRange({})].map(({ value }) => entryCount(value));
  await root.close();
  t.same(sizes, [54, 46, 54, 46]);
  const outbox = await openOutbox(t, dataDir, { now });
  t.ok(await all(statesOf(outbox.append(Array.from({ length: 200 }, (_, index) => newAppend(`m${index}`)))), 'duplicate'));
});

void t.test('what an outbox without runs remembers is known until its window ends', async (t) => {
  const dataDir = testDir(t);
  mkdirSync(`${dataDir}/outbox`);
  const { root, tables } = openNamed(`${dataDir}/outbox`, ['records', 'parked', 'seen', 'meta']);
  const eventTime = startOfTime - 3 * minuteMs;
  await tables.seen.put(seenKey(eventTime, hashOf('young')), doubleOf(startOfTime - 60_000));
  await tables.seen.put(seenKey(eventTime, hashOf('expired')), doubleOf(startOfTime - 7_200_000));
  await tables.seen.put(seenKey(0, hashOf('without time')), doubleOf(startOfTime));
  await root.close();
  let clock = startOfTime;
  const outbox = await openOutbox(t, dataDir, { now: () => clock, intervals: { sweep: 1 } });
  const known = [appendAt('young', eventTime), appendAt('without time', 0)];
  t.same(await statesOf(outbox.append([...known, appendAt('expired', eventTime), appendAt('new', eventTime)])), ['duplicate', 'duplicate', 'stored', 'stored']);
  clock += 7_200_000 - 60_000 - 1;
  t.same(await statesOf(outbox.append([...known, appendAt('expired', eventTime)])), ['duplicate', 'duplicate', 'duplicate']);
  clock += 10 * minuteMs;
  const opened = openTables(`${dataDir}/outbox`);
  t.teardown(() => opened.root.close());
  await until('all is swept', () => opened.tables.seen.getKeysCount({}) + opened.tables.runs.getKeysCount({}) === 0);
  t.same(await statesOf(outbox.append(known)), ['stored', 'stored']);
  t.same(await statesOf(outbox.append(known)), ['duplicate', 'duplicate']);
});

void t.test('a damaged run is named in the log; what the others remember is still known', async (t) => {
  const dataDir = testDir(t);
  const batches = [0, 1, 2].map((batch) => Array.from({ length: 54 }, (_, index) => newAppend(`${batch}.${index}`)));
  const outbox = await openOutbox(t, dataDir, { now });
  for (const batch of batches) await outbox.append(batch);
  await outbox.close();
  const { root, tables } = openTables(`${dataDir}/outbox`);
  const damaged = [...tables.runs.getRange({})][1];
  if (damaged === undefined) throw new Error('there is a second run');
  damaged.value[100] = (damaged.value[100] ?? 0) ^ 1;
  await tables.runs.put(damaged.key, damaged.value);
  await root.close();
  const lines: { msg?: string; reason?: string; detail?: string }[] = [];
  const again = await openOutbox(t, dataDir, { now, logger: createLogger('error', { write: (line) => { lines.push(JSON.parse(line) as object); } }) });
  const states = await Promise.all(batches.map((batch) => statesOf(again.append(batch))));
  t.same(states.map((found) => [...new Set(found)]), [['duplicate'], ['stored'], ['duplicate']]);
  t.match(lines, [{ reason: 'store_corrupt', detail: `run ${damaged.key.toString('hex')}: its checksum is wrong` }]);
  t.equal(lines.length, 1);
  t.same(await statesOf(again.append(batches[1] ?? [])), Array.from({ length: 54 }, () => 'duplicate'), 'from now on they are known again');
});
