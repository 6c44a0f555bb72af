import { at, devEuiOf, postUplink } from '../../test/end-to-end/support/load.js';
import { endMisbehaviour, series } from '../bridge-checks.js';
import type { Form, Row } from '../row.js';
import type { Stage } from '../stage.js';
import type { StageOptions } from '../stage-options.js';

const devices = 20;
/** Seconds: `redis.slotLease` of the rows. Long: the default. */
const lease: Readonly<Record<Form, number>> = { quick: 2, long: 10 };
/** Webhooks a second over all replicas, and for how many seconds. */
const load: Readonly<Record<Form, { readonly perSecond: number; readonly seconds: number }>> = { quick: { perSecond: 150, seconds: 4 }, long: { perSecond: 200, seconds: 40 } };
/**
 * Each goes to a device of its own: AWS hands the downlinks of one device to any of the replicas, and one that it had handed to a replica that is
 * paused comes to another one after those that were sent later.
 */
const downlinks: Readonly<Record<Form, number>> = { quick: 30, long: 300 };
/** So that something is always under way when a replica goes. */
const slowAws = { action: 'delay-puback', delayMs: 150 } as const;

const shared = (replicas: number, form: Form): StageOptions => ({
  replicas,
  redis: true,
  networkServers: { server: { api: 'chirpstack' } },
  file: { outbox: { store: 'redis' } },
  env: { LPWAN_REDIS_SLOT_LEASE: `${lease[form]}s` },
});

interface Health {
  readonly slot: string;
  readonly replicas?: number;
  readonly takingOver?: readonly string[];
}

const healthOf = async (stage: Stage, replica: number): Promise<Health> => JSON.parse((await stage.bridges[replica]?.private('/health'))?.body ?? '{}') as Health;

/** Sends each webhook of a device to another replica than the one before, among those that are up. */
const route = (up: readonly number[]) => (device: number, fCnt: number): number => up[(device + fCnt) % up.length] ?? 0;

const startAll = async (stage: Stage, form: Form, count: number): Promise<void> => {
  for (let replica = 0; replica < count; replica += 1) await stage.start(replica);
  await stage.eventually('every replica to know the others', async () => (await healthOf(stage, 0)).replicas === count);
  await stage.downlinks.hear(downlinks[form]);
  await stage.broker.control({ do: 'misbehave', rules: [slowAws] });
};

/** Downlinks for as long as the load takes. */
const sendDownlinks = (stage: Stage, form: Form): Promise<unknown> => stage.downlinks.send({ to: 'server', count: downlinks[form], perSecond: downlinks[form] / load[form].seconds });

/** Webhooks to those that are up, and downlinks beside them. `answered` is called at each answer, with the share of them that has come. */
const carry = async (stage: Stage, form: Form, up: readonly number[], answered: (share: number) => void = () => undefined): Promise<void> => {
  const { perSecond, seconds } = load[form];
  const count = perSecond * seconds;
  let answers = 0;
  const posted = stage.load({ devices, count, perSecond, replica: route(up), answered: () => answered((answers += 1) / count) });
  await Promise.all([posted, sendDownlinks(stage, form)]);
};

/** So many more webhooks of each device. */
const carryMore = (stage: Stage, up: readonly number[], each: number): Promise<number> => stage.load({ devices, count: devices * each, perSecond: 100, replica: route(up) });

/** Runs a load, and the fault when a third of it is answered. */
const underLoad = async (stage: Stage, form: Form, up: readonly number[], fault: () => Promise<void>): Promise<void> => {
  let done: Promise<void> | undefined;
  await carry(stage, form, up, (share) => void (share >= 1 / 3 && (done ??= fault())));
  await (done ?? fault());
};

/** Every slot that was left is taken over, and nobody is busy with one. */
const settled = (stage: Stage, up: readonly number[]): Promise<boolean> =>
  stage.eventually(`${up.length} replicas with nothing left to take over`, async () => {
    const all = await Promise.all(up.map((replica) => healthOf(stage, replica)));
    return all.every((one) => one.replicas === up.length && (one.takingOver ?? []).length === 0);
  }, 60_000);

/** A row of so many replicas, which begins when they know each other. */
const rowOf = (count: number, { run, ...row }: Pick<Row, 'name' | 'fault' | 'duplicates' | 'downlinksTwice' | 'run'>): Row => ({
  stage: (form) => shared(count, form),
  boundSeconds: { quick: 60, long: 240 },
  ...row,
  async run(stage, form) {
    await startAll(stage, form, count);
    await run(stage, form);
  },
});

const killRow = (count: number): Row => rowOf(count, {
  name: `replicas-${count}-killed`,
  fault: `${count} replicas on one Redis, one killed (kill -9) under uplinks and downlinks; its messages are taken over`,
  // What the dead one had published, or submitted, and not noted.
  duplicates: 'unavoidable',
  downlinksTwice: 'unavoidable',
  async run(stage, form) {
    const up = Array.from({ length: count }, (_, replica) => replica);
    let killedAt = 0;
    await underLoad(stage, form, up, async () => {
      up.pop();
      killedAt = performance.now();
      await stage.bridges[count - 1]?.kill();
    });
    await stage.recover(() => endMisbehaviour(stage));
    stage.remark(`all of the dead one's had arrived ${((performance.now() - killedAt) / 1_000).toFixed(1)} s after the kill (lease ${lease[form]} s)`);
    await settled(stage, up);
  },
});

const paused = rowOf(2, {
  name: 'replica-paused',
  fault: 'two replicas on one Redis, one paused (SIGSTOP) past its lease under uplinks and downlinks, then woken',
  duplicates: 'unavoidable',
  downlinksTwice: 'unavoidable',
  async run(stage, form) {
    const before = await healthOf(stage, 1);
    const up = [0, 1];
    const [, sleeper] = stage.bridges;
    if (sleeper === undefined) throw new Error('the second replica does not run');
    const wakeAfterMs = lease[form] * 1_000 * 2.5;
    let woken: Promise<void> | undefined;
    await underLoad(stage, form, up, async () => {
      up.pop();
      sleeper.program.signal('SIGSTOP');
      woken = at(performance.now() + wakeAfterMs).then(() => sleeper.program.signal('SIGCONT'));
    });
    await woken;
    up.push(1);
    await carryMore(stage, up, 5);
    await stage.recover(() => endMisbehaviour(stage));
    const after = await healthOf(stage, 1);
    stage.check(after.slot !== before.slot, `the woken replica still has the slot ${after.slot}, so nobody took it over`);
    await settled(stage, up);
    const takenOver = await Promise.all(stage.bridges.map((bridge) => bridge.metric('lpwan_bridge_sessions_lost_total{connection="main",reason="client_id_taken_over"}')));
    stage.remark(`sessions taken over at AWS: ${takenOver.join(' and ')}`);
    stage.check(Math.max(...takenOver) <= 12, `${takenOver.join(' and ')} sessions were taken over: the two fight for client ids`);
  },
});

const rolling = rowOf(3, {
  name: 'rolling-restart',
  fault: 'three replicas on one Redis, each stopped (SIGTERM) and started again in turn under uplinks and downlinks',
  duplicates: 'none',
  async run(stage, form) {
    const up = [0, 1, 2];
    let over = false;
    const restarts = async (): Promise<void> => {
      for (const replica of [0, 1, 2]) {
        up.splice(up.indexOf(replica), 1);
        stage.check((await stage.bridges[replica]?.stop()) === 0, `replica ${replica} did not stop with code 0`);
        await stage.start(replica);
        up.push(replica);
      }
      over = true;
    };
    const restarting = restarts();
    await carry(stage, form, up);
    if (!over) await restarting;
    await carryMore(stage, up, 3);
    await stage.recover(() => endMisbehaviour(stage));
    await settled(stage, up);
  },
});

const twice = rowOf(2, {
  name: 'posted-to-two-replicas',
  fault: 'the same webhooks posted to two replicas at the same time',
  duplicates: 'none',
  async run(stage, form) {
    const [one, two] = stage.bridges;
    if (one === undefined || two === undefined) throw new Error('two replicas are needed');
    const perDevice = form === 'quick' ? 10 : 200;
    let accepted = 0;
    await Promise.all(Array.from({ length: devices }, async (_, device) => {
      for (let fCnt = 0; fCnt < perDevice; fCnt += 1) {
        const statuses = await Promise.all([postUplink(one, devEuiOf(device), fCnt), postUplink(two, devEuiOf(device), fCnt)]);
        stage.check(statuses.every((status) => status === 204), `answered ${statuses.join(' and ')}`);
        stage.accepted(devEuiOf(device), fCnt);
        accepted += 1;
      }
    }));
    await endMisbehaviour(stage);
    await stage.arrived();
    const duplicates = await Promise.all([one, two].map((bridge) => bridge.metric(series.duplicates)));
    stage.check(duplicates.reduce((sum, count) => sum + count, 0) === accepted, `${duplicates.join(' + ')} counted as duplicate of ${accepted}`);
  },
});

const backlog = rowOf(2, {
  name: 'replica-killed-with-backlog',
  fault: 'AWS away, two replicas with a backlog of the same devices, one killed; AWS comes back, more is posted to the other',
  duplicates: 'unavoidable',
  async run(stage, form) {
    await endMisbehaviour(stage);
    await stage.proxy.refuse();
    const count = form === 'quick' ? 600 : 20_000;
    await stage.load({ devices, count, replica: route([0, 1]) });
    await stage.bridges[1]?.kill();
    await stage.load({ devices, count: count / 2, replica: () => 0 });
    await Promise.all([stage.recover(() => stage.proxy.restore(), 120_000), carryMore(stage, [0], 10)]);
    await settled(stage, [0]);
    const moved = await stage.bridge.metric('lpwan_bridge_outbox_restored_total{connection="main"}');
    stage.check(moved > 0, 'nothing was taken over');
    stage.remark(`${moved} messages taken over`);
  },
});

export const replicas: readonly Row[] = [killRow(2), killRow(3), paused, rolling, twice, backlog];
