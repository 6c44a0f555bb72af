import { build } from 'hdr-histogram-js';
import type { LoadResult, Percentiles } from '../types.js';
import { drainMs, type FixedRateOptions } from './fixed-rate.js';
import { openLane, type Lane } from './lane.js';
import { monotonicMs, startTicker } from './ticker.js';
import { nextFrameAfter, uplinksInTurn } from './uplinks-in-turn.js';

/** Between two ticks at least, ms: at higher rates several requests are due at once. */
const shortestTickMs = 0.5;

const options = JSON.parse(process.argv[2] ?? '{}') as FixedRateOptions;
const { url, connections, rate, seconds } = options;
const isSlow = 1_000 / rate >= shortestTickMs;
const everyMs = isSlow ? 1_000 / rate : shortestTickMs;
/** Requests that are due at one tick, in the mean. */
const perTick = isSlow ? 1 : (rate * shortestTickMs) / 1_000;
const requests = Math.round(rate * seconds);

const latencies = build({ lowestDiscernibleValue: 1, numberOfSignificantValueDigits: 3, bitBucketSize: 32 });
const counts = { answered: 0, refused: 0, broken: 0 };
const next = uplinksInTurn(options);
const lanes = await Promise.all(Array.from({ length: connections }, () => openLane(new URL(url))));
/** In turn, so that all connections are used. */
const free = [...lanes];
let due = 0;
let sent = 0;
let settled = 0;
let lastAnswerAt = 0;
let startAt = 0;
let finish: () => void = () => undefined;

const settle = (lane: Lane, dueAt: number, status: number | undefined): void => {
  lastAnswerAt = monotonicMs();
  settled += 1;
  if (status === undefined) counts.broken += 1;
  else if (status >= 200 && status < 300) {
    counts.answered += 1;
    latencies.recordValue(Math.max(1, Math.round((lastAnswerAt - dueAt) * 1_000)));
  } else counts.refused += 1;
  free.push(lane);
  sendDue();
  if (settled === requests) finish();
};

const sendDue = (): void => {
  while (sent < due) {
    const lane = free.shift();
    if (lane === undefined) return;
    const dueAt = startAt + Math.floor(sent / perTick) * everyMs;
    sent += 1;
    lane.post(next(), (status) => settle(lane, dueAt, status));
  }
};

const percentiles = (): Percentiles => {
  const at = (share: number): number => latencies.getValueAtPercentile(share) / 1_000;
  return { p50: at(50), p99: at(99), p999: at(99.9), max: latencies.maxValue / 1_000 };
};

const ended = new Promise<void>((resolve) => (finish = resolve));
startAt = await startTicker({ everyMs, count: Math.ceil(requests / perTick) }, (number) => {
  due = Math.min(requests, Math.ceil((number + 1) * perTick));
  sendDue();
});
const cpuBefore = process.cpuUsage();
setTimeout(finish, seconds * 1_000 + drainMs);
await ended;
const { user, system } = process.cpuUsage(cpuBefore);
const took = Math.max(seconds, (lastAnswerAt - startAt) / 1_000);
const result: LoadResult = {
  ...counts,
  // What was due and has no answer by now is broken too.
  broken: counts.broken + requests - settled,
  seconds: took,
  perSecond: counts.answered / took,
  latencyMs: percentiles(),
  generatorCores: (user + system) / 1_000_000 / took,
  nextFrame: nextFrameAfter(options, sent),
};
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
