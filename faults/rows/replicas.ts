import { at, devEuiOf, postUplink } from '../../test/end-to-end/support/load.js';
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

/** Runs a load, and the fault when a third of it is answered. */
const underLoad = async (stage: Stage, form: Form, up: readonly number[], fault: () => Promise<void>): Promise<void> => {
  const { perSecond, seconds } = load[form];
  const count = perSecond * seconds;
  let answers = 0;
  let done: Promise<void> | undefined;
  const posted = stage.load({ devices, count, perSecond, replica: (device, fCnt) => route(up)(device, fCnt), answered: () => void ((answers += 1) >= count / 3 && (done ??= fault())) });
  await Promise.all([posted, sendDownlinks(stage, form)]);
  await (done ?? fault());
};

/** Every slot that was left is taken over, and nobody is busy with one. */
const settled = (stage: Stage, replicas: readonly number[], count: number): Promise<boolean> =>
  stage.eventually(`${count} replicas with nothing left to take over`, async () => {
    const all = await Promise.all(replicas.map((replica) => healthOf(stage, replica)));
    return all.every((one) => one.replicas === count && (one.takingOver ?? []).length === 0);
  }, 60_000);

const killRow = (count: number): Row => ({
  name: `replicas-${count}-killed`,
  fault: `${count} replicas on one Redis, one killed (kill -9) under uplinks and downlinks; its messages are taken over`,
  stage: (form) => shared(count, form),
  // What the dead one had published, or submitted, and not noted.
  duplicates: 'unavoidable',
  downlinksTwice: 'unavoidable',
  boundSeconds: { quick: 60, long: 240 },
  async run(stage, form) {
    await startAll(stage, form, count);
    const up = Array.from({ length: count }, (_, replica) => replica);
    let killedAt = 0;
    await underLoad(stage, form, up, async () => {
      up.pop();
      killedAt = performance.now();
      await stage.bridges[count - 1]?.kill();
    });
    await stage.recover(() => stage.broker.control({ do: 'misbehave', rules: [] }));
    stage.remark(`all of the dead one's had arrived ${((performance.now() - killedAt) / 1_000).toFixed(1)} s after the kill (lease ${lease[form]} s)`);
    await settled(stage, up, count - 1);
  },
});

const paused: Row = {
  name: 'replica-paused',
  fault: 'two replicas on one Redis, one paused (SIGSTOP) past its lease under uplinks and downlinks, then woken',
  stage: (form) => shared(2, form),
  duplicates: 'unavoidable',
  downlinksTwice: 'unavoidable',
  boundSeconds: { quick: 60, long: 240 },
  async run(stage, form) {
    await startAll(stage, form, 2);
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
    await stage.load({ devices, count: devices * 5, perSecond: 100, replica: route(up) });
    await stage.recover(() => stage.broker.control({ do: 'misbehave', rules: [] }));
    const after = await healthOf(stage, 1);
    stage.check(after.slot !== before.slot, `the woken replica still has the slot ${after.slot}, so nobody took it over`);
    await settled(stage, [0, 1], 2);
    const takenOver = await Promise.all(stage.bridges.map((bridge) => bridge.metric('lpwan_bridge_sessions_lost_total{connection="main",reason="client_id_taken_over"}')));
    stage.remark(`sessions taken over at AWS: ${takenOver.join(' and ')}`);
    stage.check(Math.max(...takenOver) <= 12, `${takenOver.join(' and ')} sessions were taken over: the two fight for client ids`);
  },
};

const rolling: Row = {
  name: 'rolling-restart',
  fault: 'three replicas on one Redis, each stopped (SIGTERM) and started again in turn under uplinks and downlinks',
  stage: (form) => shared(3, form),
  duplicates: 'none',
  boundSeconds: { quick: 60, long: 240 },
  async run(stage, form) {
    await startAll(stage, form, 3);
    const up = [0, 1, 2];
    const { perSecond, seconds } = load[form];
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
    await Promise.all([stage.load({ devices, count: perSecond * seconds, perSecond, replica: (device, fCnt) => route(up)(device, fCnt) }), sendDownlinks(stage, form)]);
    if (!over) await restarting;
    await stage.load({ devices, count: devices * 3, perSecond: 100, replica: route(up) });
    await stage.recover(() => stage.broker.control({ do: 'misbehave', rules: [] }));
    await settled(stage, [0, 1, 2], 3);
  },
};

const twice: Row = {
  name: 'posted-to-two-replicas',
  fault: 'the same webhooks posted to two replicas at the same time',
  stage: (form) => shared(2, form),
  duplicates: 'none',
  boundSeconds: { quick: 60, long: 120 },
  async run(stage, form) {
    await startAll(stage, form, 2);
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
    await stage.broker.control({ do: 'misbehave', rules: [] });
    await stage.arrived();
    const duplicates = await Promise.all([one, two].map((bridge) => bridge.metric('lpwan_bridge_messages_duplicate_total{network_server="factory"}')));
    stage.check(duplicates.reduce((sum, count) => sum + count, 0) === accepted, `${duplicates.join(' + ')} counted as duplicate of ${accepted}`);
  },
};

const backlog: Row = {
  name: 'replica-killed-with-backlog',
  fault: 'AWS away, two replicas with a backlog of the same devices, one killed; AWS comes back, more is posted to the other',
  stage: (form) => shared(2, form),
  duplicates: 'unavoidable',
  boundSeconds: { quick: 60, long: 240 },
  async run(stage, form) {
    await startAll(stage, form, 2);
    await stage.broker.control({ do: 'misbehave', rules: [] });
    await stage.proxy.refuse();
    const count = form === 'quick' ? 600 : 20_000;
    await stage.load({ devices, count, replica: route([0, 1]) });
    await stage.bridges[1]?.kill();
    await stage.load({ devices, count: count / 2, replica: () => 0 });
    await Promise.all([stage.recover(() => stage.proxy.restore(), 120_000), stage.load({ devices, count: devices * 10, perSecond: 100, replica: () => 0 })]);
    await settled(stage, [0], 1);
    const moved = await stage.bridge.metric('lpwan_bridge_outbox_restored_total{connection="main"}');
    stage.check(moved > 0, 'nothing was taken over');
    stage.remark(`${moved} messages taken over`);
  },
};

export const replicas: readonly Row[] = [killRow(2), killRow(3), paused, rolling, twice, backlog];
