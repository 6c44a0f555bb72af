import { at } from '../../test/end-to-end/support/load.js';
import { startBridgeProgram } from '../../test/end-to-end/support/program.js';
import type { Form, Row } from '../row.js';
import type { Stage } from '../stage.js';
import { openSwitches } from '../switches.js';

/** Kills of one run. */
const times: Readonly<Record<Form, number>> = { quick: 3, long: 10 };
const devices = 50;

/** Kills the bridge after so many answers of a load. */
const killUnderLoad = async (stage: Stage, count: number, after: number): Promise<void> => {
  const bridge = await stage.start();
  let killed: Promise<void> | undefined;
  let answers = 0;
  await stage.load({ devices, count, answered: () => void ((answers += 1) >= after && (killed ??= bridge.kill())) });
  await (killed ?? bridge.kill());
};

/** As many as were under way when a kill came may have been delivered without their PUBACK being noted. */
const underLoad: Row = {
  name: 'kill-under-load',
  fault: `kill -9 under load, ${times.long} times in one run (quick: ${times.quick})`,
  duplicates: 'unavoidable',
  boundSeconds: { quick: 120, long: 400 },
  async run(stage, form) {
    const count = form === 'quick' ? 300 : 3_000;
    for (let round = 0; round < times[form]; round += 1) await killUnderLoad(stage, count, Math.floor((count * (round + 1)) / (times[form] + 2)));
    await stage.recover(() => stage.start());
    await stage.load({ devices, count: 100 });
  },
};

/** Ends a start before or after it is ready, by time: nothing says from outside what a starting process is at. */
const killWhileStarting = async (stage: Stage, afterMs: number): Promise<void> => {
  const { REDIS_URL: _elsewhere, ...env } = process.env;
  const program = startBridgeProgram(['start', '--config', stage.home.file], env);
  await at(performance.now() + afterMs);
  program.signal('SIGKILL');
  await program.ended;
};

/** Ends a bridge in the middle of what its outbox held at start: some of it has arrived, not all. */
const killInReplay = async (stage: Stage, arrivals: number): Promise<void> => {
  const { received } = stage.broker;
  const before = received.all.length;
  const bridge = await stage.start();
  await received.until('the replay', (all) => all.length >= before + arrivals);
  await bridge.kill();
};

const atReplay: Row = {
  name: 'kill-at-replay',
  fault: `kill -9 during start-up and during the replay of the outbox, ${times.long} times in one run (quick: ${times.quick})`,
  duplicates: 'unavoidable',
  boundSeconds: { quick: 120, long: 300 },
  async run(stage, form) {
    const count = form === 'quick' ? 1_000 : 10_000;
    await stage.proxy.refuse();
    const first = await stage.start();
    const accepted = await stage.load({ devices, count });
    stage.check(accepted === count, `${count - accepted} webhooks were refused while AWS was away`);
    await first.kill();
    await stage.proxy.restore();
    for (let round = 0; round < times[form]; round += 1) {
      if (round % 2 === 0) await killWhileStarting(stage, 100 + 50 * round);
      else await killInReplay(stage, 10 + 10 * round);
    }
    await stage.recover(() => stage.start());
    stage.check((await stage.bridge.metric('lpwan_bridge_outbox_restored_total{connection="main"}')) > 0, 'the last start had nothing to replay');
  },
};

/** Where the process kills itself, in a write of the outbox; see `preload/strike.ts`. The moment of `under-way` is a random one, so it is met more often. */
const places: Readonly<Record<Form, readonly string[]>> = {
  quick: ['append begun', 'append under-way', 'append durable', 'settle begun', 'settle under-way', 'settle durable', 'store begun', 'store under-way', 'store durable'],
  long: [
    'append begun', 'append under-way', 'append under-way', 'append under-way', 'append durable',
    'settle begun', 'settle under-way', 'settle under-way', 'settle under-way', 'settle durable',
    'store begun', 'store under-way', 'store under-way', 'store under-way', 'store durable',
  ],
};

const atCommit: Row = {
  name: 'kill-at-commit',
  fault: `kill -9 in the middle of the outbox's writes, of those that append, those that settle, and those that move from the journal into LMDB: before the write, during it, and after it but before anybody was told; ${places.long.length} times in one run (quick: ${places.quick.length})`,
  duplicates: 'unavoidable',
  boundSeconds: { quick: 90, long: 300 },
  async run(stage, form) {
    const switches = openSwitches(stage, ['store']);
    for (const [round, place] of places[form].entries()) {
      const { program } = await switches.start();
      // What goes into LMDB goes there about once a second.
      switches.set('kill', `${place} ${place.startsWith('store') ? 2 : 3 + round}`);
      await Promise.all([stage.load({ devices, count: form === 'quick' ? 300 : 1_500, perSecond: 600 }), program.ended]);
      await stage.eventually(`the kill at ${place}`, () => program.stderr().includes(`killed: ${place}`), 1_000);
      switches.clear('kill');
    }
    await stage.recover(() => switches.start());
    await stage.load({ devices, count: 100 });
  },
};

export const kills: readonly Row[] = [underLoad, atReplay, atCommit];
