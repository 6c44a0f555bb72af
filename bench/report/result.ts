import type { Outcome } from '../row.js';
import type { Extent } from '../scene.js';
import type { Measured } from '../types.js';
import { surroundings, type Surroundings } from './machine.js';
import { judge, type Judged, type Seen } from './targets.js';

/** What `--json` writes and `--compare` reads. Numbers that cannot be told are null. */
export interface Result extends Surroundings {
  /** ISO 8601. */
  readonly made: string;
  readonly command: string;
  readonly extent: Extent;
  /** Of the row of that name; without it empty. */
  readonly headline: {
    readonly perSecond?: number;
    readonly ratioToBareFastify?: number;
    readonly ratioToNaiveBridge?: number;
    readonly cpuMicrosPerUplink?: number;
    readonly cpuMicrosPerUplinkAt1000?: number;
    readonly acceptP99MsAt1000?: number;
    readonly arriveP99MsAt1000?: number;
  };
  readonly targets: readonly Judged[];
  readonly rows: readonly Outcome[];
}

const seenOf = (outcomes: readonly Outcome[]): Seen => Object.assign({}, ...outcomes.map(({ seen }) => seen)) as Seen;

const withoutGaps = (entries: Readonly<Record<string, number | undefined>>): Result['headline'] => Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));

const headlineOf = (outcomes: readonly Outcome[]): Result['headline'] => {
  const ours: Measured | undefined = outcomes.find(({ name }) => name === 'headline')?.measured.at(-1);
  const { cpuMicros, acceptP99, arriveP99 } = seenOf(outcomes);
  return withoutGaps({
    perSecond: ours?.perSecond,
    ratioToBareFastify: ours?.ratioToBare,
    ratioToNaiveBridge: ours?.ratioToNaive,
    cpuMicrosPerUplink: ours?.cpuMicrosPerUplink,
    cpuMicrosPerUplinkAt1000: cpuMicros,
    acceptP99MsAt1000: acceptP99,
    arriveP99MsAt1000: arriveP99,
  });
};

export const resultOf = (outcomes: readonly Outcome[], { command, extent }: Pick<Result, 'command' | 'extent'>): Result => ({
  made: new Date().toISOString(),
  command,
  extent,
  headline: headlineOf(outcomes),
  targets: judge(seenOf(outcomes)),
  rows: outcomes,
  ...surroundings(),
});
