import { devEuiOf } from '../test/end-to-end/support/load.js';
import { series } from './bridge-checks.js';
import type { Stage } from './stage.js';

/** How a backlog went away, and what became of what was posted meanwhile. */
export interface Drain {
  readonly ms: number;
  /** Messages that AWS acknowledged in a second, of the backlog and beside it. */
  readonly perSecond: number;
  /** From the 204 of each live message to its arrival, ms, the shortest first. */
  readonly waits: readonly number[];
}

export interface DrainOptions {
  /** `publishesPerSecond` of the connection. */
  readonly pace: number;
  /** Live messages a second, each of a device of its own that has nothing pending. */
  readonly livePerSecond: number;
  readonly heal: () => unknown;
}

const delivered = 'lpwan_bridge_outbox_delivered_total{connection="main"}';
/** A drain shorter than this says nothing about paces and waits, ms. */
const tellingMs = 2_000;
/** Most of the pace is used, least and most: the machine may be busy, and a burst of a tenth of a second's limit may leave at once. */
const used = { least: 0.5, most: 1.15 };
/** Live messages wait for a share of the drain only. Shorter waits are no starving, ms. */
const waitShare = 1 / 3;
const shortWaitMs = 1_500;
/** The bridge may take a few devices for ones that have something in the backlog; these wait with it. */
const promptShare = 0.9;
const longestLiveSeconds = 10;
const boundMs = 600_000;

/** Notes when messages of these devices arrive, each once. */
const watchArrivals = (stage: Stage, devices: ReadonlySet<string>): ReadonlyMap<string, number> => {
  const arrivals = new Map<string, number>();
  let seen = stage.broker.received.all.length;
  const look = (all: Stage['broker']['received']['all']): boolean => {
    for (; seen < all.length; seen += 1) {
      const { devEui = '' } = JSON.parse(all[seen]?.payload ?? '{}') as { readonly devEui?: string };
      if (devices.has(devEui) && !arrivals.has(devEui)) arrivals.set(devEui, performance.now());
    }
    return arrivals.size === devices.size;
  };
  stage.broker.received.until('the live messages', look, boundMs).catch(() => undefined);
  return arrivals;
};

let freshDevice = 1_000_000;

/** Posts messages of fresh devices from when the backlog begins to drain until it is half gone, as far as can be told beforehand. */
const postLive = async (stage: Stage, { count, perSecond }: { readonly count: number; readonly perSecond: number }): Promise<() => readonly number[]> => {
  const firstDevice = freshDevice;
  freshDevice += count;
  const devices = Array.from({ length: count }, (_, index) => devEuiOf(firstDevice + index));
  const answeredAt = new Map<string, number>();
  const arrivals = watchArrivals(stage, new Set(devices));
  const answered = (index: number): void => void answeredAt.set(devices[index] ?? '', performance.now());
  const accepted = await stage.load({ devices: count, count, perSecond, parallel: count, firstDevice, answered });
  stage.check(accepted === count, `${count - accepted} of ${count} webhooks were refused during the drain`);
  return () => devices.flatMap((devEui) => (arrivals.has(devEui) ? [(arrivals.get(devEui) ?? 0) - (answeredAt.get(devEui) ?? 0)] : [])).sort((one, other) => one - other);
};

/**
 * Ends an outage and watches the drain: at the paced rate, and without starving the live traffic. Everything accepted before has arrived
 * when it resolves; order is judged with the whole row.
 */
export const drain = async (stage: Stage, { pace, livePerSecond, heal }: DrainOptions): Promise<Drain> => {
  const { bridge } = stage;
  const backlog = await bridge.metric(series.pending);
  const count = Math.max(1, Math.floor(livePerSecond * Math.min(longestLiveSeconds, backlog / pace / 2)));
  const recovered = stage.recover(heal, boundMs);
  await stage.eventually('the drain', async () => (await bridge.metric(series.pending)) < 0.95 * backlog, 60_000);
  const begun = performance.now();
  const before = await bridge.metric(delivered);
  const waits = await postLive(stage, { count, perSecond: livePerSecond });
  await recovered;
  const ms = performance.now() - begun;
  const perSecond = ((await bridge.metric(delivered)) - before) / (ms / 1_000);
  await stage.eventually('the arrival of the live messages', () => waits().length === count, 60_000);
  return { ms, perSecond, waits: waits() };
};

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;

/** Checks it, and leaves its figures in the report. */
export const checkedDrain = async (stage: Stage, options: DrainOptions): Promise<void> => {
  const { pace } = options;
  const { ms, perSecond, waits } = await drain(stage, options);
  if (ms < tellingMs) return;
  const bound = Math.max(shortWaitMs, ms * waitShare);
  const most = waits[Math.ceil(waits.length * promptShare) - 1] ?? 0;
  stage.check(perSecond <= pace * used.most, `${perSecond.toFixed(0)} messages a second were delivered, the pace is ${pace}`);
  stage.check(perSecond >= pace * used.least, `${perSecond.toFixed(0)} messages a second were delivered, far below the pace of ${pace}`);
  stage.check(most <= bound, `a tenth of the live messages waited longer than ${seconds(most)} in a drain of ${seconds(ms)}`);
  stage.remark(`drained at ${perSecond.toFixed(0)}/s in ${seconds(ms)}; ${waits.length} live messages waited ${seconds(waits[Math.floor(waits.length / 2)] ?? 0)} (median), ${seconds(most)} (nine of ten), ${seconds(waits.at(-1) ?? 0)} (longest)`);
};
