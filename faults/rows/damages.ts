import { cpSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { garbage, overwrite } from '../../test/store/local/overwrite.js';
import type { Row } from '../row.js';
import type { Stage } from '../stage.js';
import { acceptsAll, dataDirOf, devices, expectFailedStart, leaveBacklog } from '../store-checks.js';

interface Damage {
  /** How the bridge ends whose backlog is damaged. */
  readonly end: 'kill' | 'stop';
  readonly files: readonly string[];
  readonly damage: (file: string) => void;
}

const truncate = (file: string): void => truncateSync(file, Math.floor(statSync(file).size / 2));

/** All behind the first quarter: pages in the middle alone may be free ones, which nobody misses. */
const overwriteMost = (file: string): void => {
  const { size } = statSync(file);
  const from = Math.floor(size / 4);
  overwrite(file, from, garbage(size - from));
};

const damages: Readonly<Record<string, Damage>> = {
  'a truncated file': { end: 'stop', files: ['data.mdb'], damage: truncate },
  'a truncated journal': { end: 'kill', files: ['journal-0', 'journal-1'], damage: truncate },
  'an overwritten file': { end: 'stop', files: ['data.mdb'], damage: overwriteMost },
};

/** Damages the outbox with a backlog in it; puts a copy of it back in the end, as an operator would who has one. */
const damageOnce = async (stage: Stage, what: string, { end, files, damage }: Damage): Promise<void> => {
  const dataDir = await dataDirOf(stage);
  const [outbox, copy] = [join(dataDir, 'outbox'), join(dataDir, 'copy')];
  await leaveBacklog(stage, 500, end);
  cpSync(outbox, copy, { recursive: true });
  for (const file of files) damage(join(outbox, file));
  await stage.proxy.restore();
  const before = stage.broker.received.all.length;
  await expectFailedStart(stage, { what, says: ['store_corrupt', `${outbox}.damaged-`, 'damaged'] });
  stage.check(readdirSync(dataDir).some((name) => name.startsWith('outbox.damaged-')), `${what}: it was not set aside`);
  const empty = await stage.start();
  // Of other devices: their messages come before the older ones that the copy brings back.
  await acceptsAll(stage, `by the start after ${what}`, { count: devices, firstDevice: 1_000 });
  await stage.eventually('the arrival of what came after the damage', () => stage.broker.received.all.length === before + devices);
  stage.check((await empty.metric('lpwan_bridge_outbox_restored_total{connection="main"}')) === 0, `${what}: something of it was served`);
  const code = await empty.stop();
  stage.check(code === 0, `${what}: the start after it ended with ${String(code)}`);
  for (const name of readdirSync(dataDir).filter((one) => one.startsWith('outbox'))) rmSync(join(dataDir, name), { recursive: true });
  cpSync(copy, outbox, { recursive: true });
  rmSync(copy, { recursive: true });
  await stage.recover(() => stage.start());
};

const damaged: Row = {
  name: 'outbox-damaged',
  fault: `${Object.keys(damages).join(', then ')} under the outbox (quick: the last), with a backlog in it; a copy is put back afterwards`,
  duplicates: 'none',
  boundSeconds: { quick: 120, long: 180 },
  async run(stage, form) {
    const all = Object.entries(damages);
    for (const [index, [what, damage]] of (form === 'quick' ? all.slice(-1) : all).entries()) {
      if (index > 0) await stage.bridge.stop();
      await damageOnce(stage, what, damage);
    }
  },
};

export const damagedStores: readonly Row[] = [damaged];
