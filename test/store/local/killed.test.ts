import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { readAll, topicsOf } from '../../contracts/outbox.js';
import { newAppend } from '../../contracts/outbox.js';
import { openOutbox } from './open-outbox.js';

const program = fileURLToPath(new URL('./append-forever.js', import.meta.url));

/** Lets the program run until it printed so many lines, kills it, and gives all that it printed. */
const runAndKill = async (dataDir: string, lines: number): Promise<string[]> => {
  const child = spawn(process.execPath, [program, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  let count = 0;
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    output += text;
    count += text.split('\n').length - 1;
    if (count >= lines) child.kill('SIGKILL');
  });
  const timer = setTimeout(() => child.kill('SIGTERM'), 60_000);
  const [, signal] = (await once(child, 'close')) as [unknown, string];
  clearTimeout(timer);
  if (signal !== 'SIGKILL') throw new Error(`the program ended before it was killed: ${signal}`);
  return output.slice(0, output.lastIndexOf('\n')).split('\n');
};

const after = (lines: readonly string[], sign: string): Set<string> => new Set(lines.filter((line) => line.startsWith(sign)).map((line) => line.slice(1)));

void t.test('what was acknowledged before kill -9 is there afterwards, at whatever point it came', async (t) => {
  for (const lines of [100, 700, 1_500, 4_000]) {
    const dataDir = t.testdir();
    const said = await runAndKill(dataDir, lines);
    const outbox = await openOutbox(t, dataDir);
    const found = new Set(['c0', 'c1', 'c2'].flatMap((connectionId) => topicsOf(readAll(outbox, connectionId))));
    const settled = after(said, '-');
    const askedToSettle = after(said, '?');
    const appended = [...after(said, '+')];
    t.ok(appended.length >= lines / 4, `${appended.length} acknowledged`);
    t.same(appended.filter((name) => !found.has(name) && !askedToSettle.has(name)), [], 'nothing acknowledged is lost');
    t.same([...settled].filter((name) => found.has(name)), [], 'nothing settled came back');
    const states = await outbox.append(appended.map((name) => newAppend(name)));
    t.equal(states.filter(({ state }) => state === 'duplicate').length, appended.length, 'every acknowledged message is still known');
    await outbox.close();
  }
});

void t.test('each batch of the killed process is there whole or not at all', async (t) => {
  const dataDir = t.testdir();
  const said = await runAndKill(dataDir, 1_000);
  const settled = after(said, '?');
  const outbox = await openOutbox(t, dataDir);
  const sizes = new Map<string, number>();
  for (const name of [...['c0', 'c1', 'c2'].flatMap((connectionId) => topicsOf(readAll(outbox, connectionId))), ...settled]) {
    const batch = name.slice(0, name.lastIndexOf('.'));
    sizes.set(batch, (sizes.get(batch) ?? 0) + 1);
  }
  const last = [...sizes].filter(([, size]) => size < 16);
  t.ok(sizes.size > 10);
  t.same(last.filter(([batch]) => !said.some((line) => line.startsWith(`+${batch}.`))), [], 'no batch in parts');
});
