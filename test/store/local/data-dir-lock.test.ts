import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { BridgeError } from '../../../src/errors.js';
import { lockDataDir } from '../../../src/store/local/data-dir-lock.js';
import { slotOf } from '../../../src/store/local/slot.js';
import { testDir } from '../../support/test-dir.js';

const program = fileURLToPath(new URL('./hold-lock.js', import.meta.url));

/** A folder with a path short enough for a socket; tap's own are too long. */
const shortDir = (t: Test): string => {
  const dir = mkdtempSync(`${tmpdir()}/lock-`);
  t.teardown(() => { rmSync(dir, { recursive: true }); });
  return dir;
};

type Holder = ChildProcessByStdio<Writable, Readable, null>;

const start = async (t: Test, dataDir: string): Promise<{ readonly child: Holder; readonly said: string }> => {
  const child = spawn(process.execPath, [program, dataDir], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const [said] = (await once(child.stdout, 'data', { signal: AbortSignal.timeout(30_000) })) as [Buffer];
  return { child, said: said.toString().trim() };
};

const refused = async (t: Test, dataDir: string): Promise<void> => {
  const error: unknown = await lockDataDir(dataDir).then(() => undefined, (thrown: unknown) => thrown);
  t.ok(error instanceof BridgeError);
  t.match(error, { reason: 'data_dir_in_use' });
};

void t.test('one process at a time, and the next one after it', async (t) => {
  const dataDir = `${shortDir(t)}/data`;
  const { child, said } = await start(t, dataDir);
  t.equal(said, 'locked');
  await refused(t, dataDir);
  t.match((await start(t, dataDir)).said, /^refused: another bridge runs on/);
  child.stdin.end();
  await once(child, 'exit');
  const lock = await lockDataDir(dataDir);
  await refused(t, dataDir);
  await lock.release();
  const again = await lockDataDir(dataDir);
  await again.release();
  t.same(readdirSync(`${dataDir}/bridge.lock`), [], 'nothing is left behind');
});

void t.test('a killed process leaves no lock', async (t) => {
  const dataDir = shortDir(t);
  for (let round = 0; round < 3; round += 1) {
    const { child, said } = await start(t, dataDir);
    t.equal(said, 'locked');
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  const lock = await lockDataDir(dataDir);
  t.equal(readdirSync(`${dataDir}/bridge.lock`).length, 1, 'the names of the dead are gone');
  await lock.release();
});

void t.test('a process that is paused still holds it', async (t) => {
  const dataDir = shortDir(t);
  const { child } = await start(t, dataDir);
  child.kill('SIGSTOP');
  await refused(t, dataDir);
});

void t.test('of many that start at once on a stale lock, one gets it', async (t) => {
  const dataDir = shortDir(t);
  const { child } = await start(t, dataDir);
  child.kill('SIGKILL');
  await once(child, 'exit');
  for (let round = 0; round < 10; round += 1) {
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => lockDataDir(dataDir)));
    const locks = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    t.equal(locks.length, 1);
    for (const lock of locks) await lock.release();
  }
  const said = await Promise.all(Array.from({ length: 4 }, async () => (await start(t, dataDir)).said));
  t.equal(said.filter((text) => text === 'locked').length, 1, said.join(' | '));
});

void t.test('a path too long for a socket is locked too, and apart from others', async (t) => {
  const root = testDir(t);
  const long = `${root}/${'long-name/'.repeat(12)}`;
  mkdirSync(long, { recursive: true });
  const lock = await lockDataDir(long);
  await refused(t, long);
  const other = await lockDataDir(`${long}/other`);
  await other.release();
  await lock.release();
  await (await lockDataDir(long)).release();
});

void t.test('the slot is made once and stays', async (t) => {
  const root = testDir(t);
  const dataDir = `${root}/new`;
  const slots = await Promise.all(Array.from({ length: 8 }, () => slotOf(dataDir)));
  t.match(slots[0], /^[0-9a-f]{8}$/);
  t.equal(new Set(slots).size, 1, 'all that start at once agree');
  t.equal(await slotOf(dataDir), slots[0]);
  t.not(await slotOf(`${root}/other`), slots[0]);
  t.same(readdirSync(dataDir), ['slot']);
});

void t.test('a slot file that holds something else is refused, not replaced', async (t) => {
  const dataDir = testDir(t);
  for (const text of ['', 'abc', '../../etc', '0123456789']) {
    writeFileSync(`${dataDir}/slot`, text);
    await t.rejects(slotOf(dataDir), Object.assign(new Error(), { reason: 'store_corrupt' }));
  }
});
