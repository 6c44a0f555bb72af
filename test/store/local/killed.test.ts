import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { LocalOutbox } from '../../../src/store/local/local-outbox.js';
import { readAll, topicsOf } from '../../contracts/outbox-samples.js';
import { newAppend } from '../../contracts/outbox-samples.js';
import { testDir } from '../../support/test-dir.js';
import { openOutbox } from './open-outbox.js';
import { after, runAndKill } from './run-and-kill.js';

const program = fileURLToPath(new URL('./append-forever.js', import.meta.url));

const allOf = async (outbox: LocalOutbox): Promise<string[]> => (await Promise.all(['c0', 'c1', 'c2'].map((connectionId) => readAll(outbox, connectionId)))).flatMap(topicsOf);

void t.test('what was acknowledged before kill -9 is there afterwards, at whatever point it came', async (t) => {
  for (const lines of [100, 700, 1_500, 4_000]) {
    const dataDir = testDir(t);
    const said = await runAndKill(program, dataDir, lines);
    const outbox = await openOutbox(t, dataDir);
    const found = new Set(await allOf(outbox));
    const settled = new Set(after(said, '-'));
    const askedToSettle = new Set(after(said, '?'));
    const appended = [...new Set(after(said, '+'))];
    t.ok(appended.length >= lines / 4, `${appended.length} acknowledged`);
    t.same(appended.filter((name) => !found.has(name) && !askedToSettle.has(name)), [], 'nothing acknowledged is lost');
    t.same([...settled].filter((name) => found.has(name)), [], 'nothing settled came back');
    const states = await outbox.append(appended.map((name) => newAppend(name)));
    t.equal(states.filter(({ state }) => state === 'duplicate').length, appended.length, 'every acknowledged message is still known');
    await outbox.close();
  }
});

void t.test('a message that was parked and is replayed when the process is killed is in one place afterwards, and in one only', async (t) => {
  for (const lines of [30, 400]) {
    const dataDir = testDir(t);
    const said = await runAndKill(fileURLToPath(new URL('./replay-forever.js', import.meta.url)), dataDir, lines);
    const outbox = await openOutbox(t, dataDir);
    const places = [...topicsOf(await outbox.parked({}, { after: -1, limit: 100_000 })), ...topicsOf(await readAll(outbox, 'main'))];
    t.equal(new Set(places).size, places.length, 'nothing is there twice');
    t.same(after(said, '+').filter((name) => !places.includes(name)), [], 'nothing parked is lost');
    const pending = new Set(topicsOf(await readAll(outbox, 'main')));
    t.same(after(said, '>').filter((name) => !pending.has(name)), [], 'what was said to be replayed is pending');
    await outbox.close();
  }
});

void t.test('each batch of the killed process is there whole or not at all', async (t) => {
  const dataDir = testDir(t);
  const said = await runAndKill(program, dataDir, 1_000);
  const settled = new Set(after(said, '?'));
  const outbox = await openOutbox(t, dataDir);
  const sizes = new Map<string, number>();
  for (const name of [...(await allOf(outbox)), ...settled]) {
    const batch = name.slice(0, name.lastIndexOf('.'));
    sizes.set(batch, (sizes.get(batch) ?? 0) + 1);
  }
  const last = [...sizes].filter(([, size]) => size < 16);
  t.ok(sizes.size > 10);
  t.same(last.filter(([batch]) => !said.some((line) => line.startsWith(`+${batch}.`))), [], 'no batch in parts');
});
