import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { endWithSignals, runCommand } from './command.js';
import { makeConnection, runMixedLoad, soakStage, type MixedLoad } from './soak-load.js';
import { soakText, type SoakOutcome } from './soak-report.js';
import { sampleOf, trendOf, type Sample, type Trend } from './soak-samples.js';
import { openStage, type Stage } from './stage.js';
import { writeBetween } from './write-between.js';

const usage = 'npm run soak -- [--minutes N] [--uplinks PER_SECOND] [--downlinks PER_SECOND] [--json FILE] [--write]\n';

interface Choice extends MixedLoad {
  readonly minutes: number;
  readonly json: string | undefined;
  readonly write: boolean;
}

const number = (name: string, text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name}: ${text} is no number above 0`);
  return value;
};

/** @throws Error whose message names the wrong argument */
const readArguments = (args: readonly string[]): Choice => {
  const { values } = parseArgs({
    args: [...args],
    options: { minutes: { type: 'string', default: '30' }, uplinks: { type: 'string', default: '50' }, downlinks: { type: 'string', default: '2' }, json: { type: 'string' }, write: { type: 'boolean', default: false } },
  });
  const minutes = number('minutes', values.minutes);
  return { minutes, seconds: minutes * 60, uplinksPerSecond: number('uplinks', values.uplinks), downlinksPerSecond: number('downlinks', values.downlinks), json: values.json, write: values.write };
};

const sampleEveryMs = 5_000;

/** Samples the bridge until it is stopped. */
const keepSampling = (stage: Stage): (() => Promise<readonly Sample[]>) => {
  const samples: Sample[] = [];
  const begun = performance.now();
  let sampling = Promise.resolve();
  const timer = setInterval(() => {
    sampling = sampling.then(async () => void samples.push(await sampleOf(stage.bridge, (performance.now() - begun) / 1_000))).catch(() => undefined);
  }, sampleEveryMs);
  return async () => {
    clearInterval(timer);
    await sampling;
    return samples;
  };
};

/** With less, caches that fill look like growth. */
const tellingMinutes = 10;
/** Growth over the time looked at that still counts as flat: of memory as a share of its mean, of handles as a number. */
const flat = { memoryShare: 0.1, handles: 5 };

const growing = (minutes: number, trends: Pick<SoakOutcome, 'rssAnonBytes' | 'descriptors' | 'resources'>): readonly string[] => {
  if (minutes < tellingMinutes) return [];
  const growth = ({ perHour }: Trend): number => (perHour * minutes * (2 / 3)) / 60;
  const memory = growth(trends.rssAnonBytes);
  return [
    ...(memory > flat.memoryShare * trends.rssAnonBytes.mean ? [`RssAnon grew by ${Math.round(memory / 1024 / 1024)} MB`] : []),
    ...(['descriptors', 'resources'] as const).flatMap((name) => (growth(trends[name]) > flat.handles ? [`${name} grew by ${Math.round(growth(trends[name]))}`] : [])),
  ];
};

const failuresOf = ({ tally }: Pick<SoakOutcome, 'tally'>): readonly string[] => [
  ...tally.failures,
  ...(tally.downlinks?.wrong ?? []),
  ...(tally.lost > 0 ? [`${tally.lost} uplinks were lost`] : []),
  ...(tally.outOfOrder > 0 ? [`${tally.outOfOrder} uplinks were out of order`] : []),
  ...((tally.downlinks?.lost ?? 0) > 0 ? [`${tally.downlinks?.lost} downlinks were lost`] : []),
  ...((tally.downlinks?.outOfOrder ?? 0) > 0 ? [`${tally.downlinks?.outOfOrder} downlinks were out of order`] : []),
];

const soakOn = async (stage: Stage, choice: Choice, command: string): Promise<{ readonly outcome: SoakOutcome; readonly samples: readonly Sample[] }> => {
  await stage.start();
  await makeConnection(stage);
  const endSampling = keepSampling(stage);
  const happened = await runMixedLoad(stage, choice);
  const samples = await endSampling();
  await stage.finish();
  const tally = stage.tally();
  const trends = {
    rssAnonBytes: trendOf(samples, ({ rssAnonBytes }) => rssAnonBytes),
    heapBytes: trendOf(samples, ({ heapBytes }) => heapBytes),
    descriptors: trendOf(samples, ({ descriptors }) => descriptors),
    resources: trendOf(samples, ({ resources }) => resources),
  };
  const failures = [...failuresOf({ tally }), ...growing(choice.minutes, trends)];
  return { outcome: { minutes: choice.minutes, command, tally, happened, ...trends, failures }, samples };
};

const soak = async (choice: Choice, line: string): Promise<number> => {
  const stage = await openStage(soakStage);
  endWithSignals(() => stage.close());
  try {
    const { outcome, samples } = await soakOn(stage, choice, line);
    const text = soakText(outcome);
    process.stdout.write(text);
    if (choice.json !== undefined) writeFileSync(choice.json, `${JSON.stringify({ ...outcome, samples }, undefined, 2)}\n`);
    if (choice.write) writeBetween('docs/reliability.md', 'soak', text);
    return outcome.failures.length === 0 ? 0 : 1;
  } finally {
    await stage.close();
  }
};

await runCommand({ name: 'npm run soak', usage, read: readArguments, run: soak });
