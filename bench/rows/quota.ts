import { startSandbox, type TestBroker } from '../../test/end-to-end/support/broker.js';
import { introduce, openBridge, usual, type Loaded } from '../cases.js';
import { connections, measure } from '../measure.js';
import type { SeenName } from '../report/targets.js';
import type { Row } from '../row.js';
import type { Scene } from '../scene.js';

/** What AWS allows one session, and the bridge's defaults: https://docs.aws.amazon.com/general/latest/gr/iot-core.html */
const paced = { publishesPerSecondPerClient: 100, bytesPerSecondPerClient: '512KiB', publishesPerSecond: 2_000 };
/** Fewer than usual: what makes them known beforehand has to pass at this pace, too. */
const devices = 1_000;
const lookEveryMs = 1_000;

interface Stats {
  /** Publishes that it took. */
  readonly accepted: number;
  readonly discarded: Readonly<Record<string, number>>;
  readonly sessionsClosed: Readonly<Record<string, number>>;
}

const sumOf = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

const statsOf = async (broker: TestBroker): Promise<Stats> => (await broker.control({ do: 'stats' }))['stats'] as Stats;

/** Looks at the backlog once a second. */
const watchBacklog = ({ bridge }: Loaded): (() => readonly number[]) => {
  const seen: number[] = [];
  const timer = setInterval(() => void bridge.pending().then((pending) => seen.push(pending), () => undefined), lookEveryMs);
  return () => {
    clearInterval(timer);
    return seen;
  };
};

const meanOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0) / Math.max(1, numbers.length);

/** The last quarter of the time is no worse than the first one by more than a second's uplinks. */
const isFlat = (backlog: readonly number[], rate: number): boolean => {
  const quarter = Math.max(1, Math.floor(backlog.length / 4));
  return meanOf(backlog.slice(-quarter)) <= meanOf(backlog.slice(0, quarter)) + rate;
};

/** What the bridge accepted and did not deliver, or the broker never got. */
const lostBy = async ({ bridge }: Loaded, { accepted: taken }: Stats): Promise<number> => {
  const accepted = await bridge.metric('lpwan_bridge_outbox_accepted_total');
  return accepted - Math.min(taken, await bridge.metric('lpwan_bridge_outbox_delivered_total'));
};

interface QuotaRow {
  readonly name: string;
  readonly rate: number;
  readonly seen: SeenName;
}

const quotaRow = ({ name, rate, seen }: QuotaRow): Row => ({
  name,
  what: 'Against a broker that enforces the quotas of AWS, pacing on',
  boundSeconds: ({ quotaMinutes }) => 180 + quotaMinutes * 60,
  async run(scene: Scene) {
    const broker = await scene.own(startSandbox(['--no-publishes']));
    const loaded = await openBridge(scene, { broker, configuration: paced });
    await introduce({ name, subject: loaded, devices });
    const before = await statsOf(broker);
    const backlog = watchBacklog(loaded);
    scene.tell(`${rate}/s for ${scene.quotaMinutes} min`);
    const sample = await measure(loaded, { ...usual, devices, connections: connections.fixedRate, rate, seconds: Math.round(scene.quotaMinutes * 60) }).finally(backlog);
    const after = await statsOf(broker);
    const lost = await lostBy(loaded, after);
    const discarded = sumOf(after.discarded) - sumOf(before.discarded);
    const closed = sumOf(after.sessionsClosed) - sumOf(before.sessionsClosed);
    const flat = isFlat(backlog(), rate);
    const remark = `${scene.quotaMinutes} min: ${lost} lost, ${discarded} discarded, ${closed} sessions closed; backlog at most ${Math.max(0, ...backlog())}, ${flat ? 'flat' : 'growing'}`;
    return { measured: [{ name: `${rate}/s`, ...sample, remark }], seen: { [seen]: lost + discarded + closed + (flat ? 0 : 1) } };
  },
});

export const quotas: readonly Row[] = [quotaRow({ name: 'quota', rate: 900, seen: 'quotaFaults' }), quotaRow({ name: 'quota-faster', rate: 950, seen: 'quotaFaultsFaster' })];
