import type { Form, Row } from '../row.js';
import type { Stage } from '../stage.js';
import { acceptsAll, expectRefusal, readyAgain } from '../store-checks.js';
import { withoutRates } from '../without-limits.js';

const devices = 100;
const counts: Readonly<Record<Form, number>> = { quick: 20_000, long: 1_000_000 };
const longestStartMs = 2_000;
const mostBytes = 300 * 1024 * 1024;
const boundMs = 1_200_000;

const megabytes = (bytes: number): number => Math.round(bytes / 1024 / 1024);

/** Starts a bridge on a backlog; ms from the start of the process to its line `ready`. */
const timedStart = async (stage: Stage): Promise<number> => {
  const begun = performance.now();
  await stage.start();
  return performance.now() - begun;
};

const large: Row = {
  name: 'backlog',
  alone: true,
  fault: `a backlog of ${counts.long.toLocaleString('en')} uplinks (quick: ${counts.quick.toLocaleString('en')}), kill -9, start, drain`,
  // At AWS's rates a million takes 17 minutes with ten sessions; that pace has its own rows.
  stage: withoutRates,
  duplicates: 'none',
  boundSeconds: { quick: 120, long: 2_400 },
  async run(stage, form) {
    const count = counts[form];
    await stage.proxy.refuse();
    const first = await stage.start();
    const begun = performance.now();
    const accepted = await stage.load({ devices, count });
    stage.check(accepted === count, `${count - accepted} of ${count} webhooks were refused while AWS was away`);
    stage.remark(`taken in at ${Math.round(count / ((performance.now() - begun) / 1_000))}/s`);
    await first.kill();
    const startMs = await timedStart(stage);
    stage.remark(`ready ${(startMs / 1_000).toFixed(2)} s after the start`);
    stage.check(form === 'quick' || startMs < longestStartMs, `ready after ${Math.round(startMs)} ms`);
    const restored = await stage.bridge.metric('lpwan_bridge_outbox_restored_total{connection="main"}');
    stage.check(restored === count, `${restored} messages were restored`);
    const drained = performance.now();
    // Live traffic goes on while the backlog drains, behind it for each device.
    await Promise.all([stage.recover(() => stage.proxy.restore(), boundMs), stage.load({ devices, count: devices, perSecond: 100 })]);
    stage.remark(`drained at ${Math.round(count / ((performance.now() - drained) / 1_000))}/s, without AWS's rates`);
    const { peakRssAnonBytes } = stage.tally();
    stage.check(peakRssAnonBytes < mostBytes, `${megabytes(peakRssAnonBytes)} MB of anonymous memory`);
  },
};

const refusedSeries = 'lpwan_bridge_messages_rejected_total{network_server="factory",reason="outbox_full"}';

/** `most` and `least` fit. */
const limited = (name: string, limit: object, { least, most }: { readonly least: number; readonly most: number }): Row => ({
  name: `outbox-full-${name}`,
  fault: `the outbox reaches its limit of ${name} while AWS is away`,
  stage: { ...withoutRates, file: { outbox: limit } },
  duplicates: 'none',
  boundSeconds: { quick: 60, long: 60 },
  async run(stage) {
    await stage.proxy.refuse();
    const bridge = await stage.start();
    const statuses = new Map<number, number>();
    const count = 2 * most;
    const accepted = await stage.load({ devices, count, answered: (_index, status) => void statuses.set(status, (statuses.get(status) ?? 0) + 1) });
    stage.check(accepted >= least && accepted <= most, `${accepted} messages were accepted, the limit is between ${least} and ${most}`);
    stage.check((statuses.get(503) ?? 0) === count - accepted, `the others were answered ${[...statuses].map((pair) => pair.join(' × ')).join(', ')}`);
    await expectRefusal(stage, bridge, 'outbox_full');
    const counted = await bridge.metric(refusedSeries);
    stage.check(counted === count - accepted + 1, `${counted} refusals are counted by their reason, of ${count - accepted + 1}`);
    await stage.recover(() => stage.proxy.restore());
    await readyAgain(stage, bridge);
    await acceptsAll(stage, 'after the backlog was delivered');
    stage.remark(`${accepted} accepted, ${count - accepted + 1} refused`);
  },
});

export const backlogs: readonly Row[] = [
  limited('messages', { maxMessages: 1_000 }, { least: 1_000, most: 1_000 }),
  limited('bytes', { maxBytes: '1MB' }, { least: 1_000, most: 2_000 }),
  large,
];
