import { checkedDrain } from '../drain.js';
import type { Form, Row } from '../row.js';
import type { Stage } from '../stage.js';
import { openSwitches, type Switches } from '../switches.js';

const perSecond: Readonly<Record<Form, number>> = { quick: 100, long: 50 };
const livePerSecond = 20;
/** Of the whole connection: the backlog takes longer than the reconnect, so that its drain can be watched. */
const pace = 150;
const configuration = { publishTimeout: '1s', connectTimeout: '1s', publishesPerSecond: pace };
const lengths: Readonly<Record<Form, readonly number[]>> = { quick: [1, 3], long: [1, 30] };
/** Halves of the longest outage, s. */
const half: Readonly<Record<Form, number>> = { quick: 1, long: 300 };
const devices = 50;
/** In ten minutes they fill more than the part of the backlog that is kept in memory. */
const fleet: Readonly<Record<Form, number>> = { quick: 50, long: 1_000 };
/** An outage of this length shows in the health, s: `publishTimeout` and the probe after it are over. */
const shownAfter = 3;

/** One way in which AWS can be away. */
interface Absence {
  readonly name: string;
  readonly fault: string;
  /** What the health calls it, where that is certain. */
  readonly reason?: string;
  begin(stage: Stage, switches: Switches, round: number): unknown;
  end(stage: Stage, switches: Switches): unknown;
}

const restore = ({ proxy }: Stage): Promise<void> => proxy.restore();

const absences: readonly Absence[] = [
  { name: 'aws-refused', fault: 'AWS refuses connections', reason: 'endpoint_unreachable', begin: ({ proxy }) => proxy.refuse(), end: restore },
  { name: 'aws-blackholed', fault: 'AWS swallows everything, nothing is closed', begin: ({ proxy }) => proxy.blackhole(), end: restore },
  { name: 'aws-tls-hangs', fault: 'connections are lost, and the TLS handshake of new ones hangs', reason: 'connect_timeout', begin: ({ proxy }) => proxy.hold(), end: restore },
  {
    name: 'aws-unresolved',
    fault: 'connections are lost, and the name of the endpoint does not resolve (ENOTFOUND, EAI_AGAIN)',
    reason: 'dns_failed',
    begin({ proxy }, switches, round) {
      switches.set('lookup', round % 2 === 0 ? 'ENOTFOUND' : 'EAI_AGAIN');
      proxy.cut();
    },
    end: (_stage, switches) => switches.clear('lookup'),
  },
];

const healthDuring = async ({ bridge, check }: Stage, { reason }: Absence): Promise<void> => {
  const { status } = await bridge.private('/ready');
  check(status === 200, `/ready answered ${status} during the outage`);
  const { body } = await bridge.private('/health');
  check(body.includes('"degraded"') && body.includes('"connection main"'), `the health does not name the connection: ${body}`);
  if (reason !== undefined) check(body.includes(`"${reason}"`), `the health does not say ${reason}: ${body}`);
};

const loadDuring = async (stage: Stage, { seconds, rate, from = devices }: { readonly seconds: number; readonly rate: number; readonly from?: number }): Promise<void> => {
  const count = rate * seconds;
  const accepted = await stage.load({ devices: from, count, perSecond: rate });
  stage.check(accepted === count, `${count - accepted} of ${count} webhooks were not answered 204 during an outage of ${seconds} s`);
};

const noneThrottled = async ({ broker, check }: Stage): Promise<void> => {
  const { stats } = (await broker.control({ do: 'stats' })) as unknown as { readonly stats: { readonly discarded: { readonly publish_rate?: number } } };
  check(stats.discarded.publish_rate === undefined, `AWS threw ${stats.discarded.publish_rate} publishes away because they came too fast`);
};

const outageRow = (absence: Absence): Row => ({
  name: absence.name,
  fault: `${absence.fault}, for ${lengths.long.join(' s, ')} s (quick: ${lengths.quick.join(' s, ')} s)`,
  stage: { configuration },
  // What was in flight when AWS went silent may have arrived.
  duplicates: 'unavoidable',
  boundSeconds: { quick: 120, long: 400 },
  async run(stage, form) {
    const switches = openSwitches(stage, ['lookup']);
    const rate = perSecond[form];
    await switches.start();
    for (const [round, seconds] of lengths[form].entries()) {
      await stage.load({ devices, count: rate, perSecond: rate });
      await absence.begin(stage, switches, round);
      await loadDuring(stage, { seconds, rate });
      if (seconds >= shownAfter) await healthDuring(stage, absence);
      await checkedDrain(stage, { pace, livePerSecond, heal: () => absence.end(stage, switches) });
    }
    await noneThrottled(stage);
  },
});

/** A row of its own, so that the four can run beside each other. */
const longestRow = (absence: Absence): Row => ({
  name: `${absence.name}-10-min`,
  fault: `${absence.fault}, from before the start on, for 10 min (quick: 2 s); the bridge is restarted in the middle`,
  stage: { configuration },
  duplicates: 'unavoidable',
  boundSeconds: { quick: 120, long: 1_800 },
  async run(stage, form) {
    const switches = openSwitches(stage, ['lookup']);
    const during = { seconds: half[form], rate: perSecond[form], from: fleet[form] };
    await absence.begin(stage, switches, 0);
    const first = await switches.start();
    await loadDuring(stage, during);
    await first.kill();
    await switches.start();
    await loadDuring(stage, during);
    await healthDuring(stage, absence);
    await checkedDrain(stage, { pace, livePerSecond, heal: () => absence.end(stage, switches) });
    await noneThrottled(stage);
  },
});

export const outages: readonly Row[] = [...absences.map(outageRow), ...absences.map(longestRow)];
