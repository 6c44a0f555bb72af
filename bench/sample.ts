import type { Measured, Percentiles } from './types.js';

/** What one window showed. */
export type Sample = Omit<Measured, 'name' | Extract<keyof Measured, `ratioTo${string}`>>;

/** Numbers that cannot be told are left out. */
const known = (numbers: readonly (number | undefined)[]): readonly number[] => numbers.filter((number): number is number => number !== undefined && Number.isFinite(number));

/** The middle one, or the mean of the two in the middle; undefined of nothing. */
export const medianOf = (numbers: readonly (number | undefined)[]): number | undefined => {
  const sorted = [...known(numbers)].sort((one, other) => one - other);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2;
};

type Figure = 'cpuMicrosPerUplink' | 'writtenBytesPerUplink' | 'callsPerUplink' | 'generatorCores' | 'helperMicrosPerUplink';
const figures: readonly Figure[] = ['cpuMicrosPerUplink', 'writtenBytesPerUplink', 'callsPerUplink', 'generatorCores', 'helperMicrosPerUplink'];

const medianPercentiles = (all: readonly (Percentiles | undefined)[]): Percentiles | undefined => {
  const middle = (name: keyof Percentiles): number => medianOf(all.map((one) => one?.[name])) ?? Number.NaN;
  return all.some((one) => one !== undefined) ? { p50: middle('p50'), p99: middle('p99'), p999: middle('p999'), max: middle('max') } : undefined;
};

/** An object without the keys that hold nothing. */
export const withoutGaps = <T extends object>(entries: { readonly [K in keyof T]: T[K] | undefined }): T => Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as T;

/** Medians over rounds, figure by figure; the memory is the most of all, and remarks are told once. */
export const medianSample = (samples: readonly Sample[]): Sample => {
  const memory = known(samples.map(({ peakRssAnonBytes }) => peakRssAnonBytes));
  const remarks = [...new Set(samples.flatMap(({ remark }) => remark ?? []))];
  return withoutGaps<Sample>({
    perSecond: medianOf(samples.map(({ perSecond }) => perSecond)) ?? Number.NaN,
    ...Object.fromEntries(figures.map((figure) => [figure, medianOf(samples.map((sample) => sample[figure]))])),
    acceptMs: medianPercentiles(samples.map(({ acceptMs }) => acceptMs)),
    arriveMs: medianPercentiles(samples.map(({ arriveMs }) => arriveMs)),
    peakRssAnonBytes: memory.length === 0 ? undefined : Math.max(...memory),
    remark: remarks.length === 0 ? undefined : remarks.join('; '),
  });
};

/** One of the things that are measured in turn. */
export interface Turn {
  readonly name: string;
  readonly measure: () => Promise<Sample>;
}

/** By name, in the order of the rounds. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

/** Takes the turns one after another, round by round, so that what drifts in the machine meets all of them. A name may have several turns in a round. */
export const alternate = async (turns: readonly Turn[], rounds: number): Promise<Samples> => {
  const samples = new Map<string, Sample[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, measure } of turns) {
      const sample = await measure();
      const earlier = samples.get(name);
      if (earlier === undefined) samples.set(name, [sample]);
      else earlier.push(sample);
    }
  }
  return samples;
};

/** @throws when the name had no turn */
export const medianFor = (samples: Samples, name: string): Sample => {
  const found = samples.get(name);
  if (found === undefined) throw new Error(`${name} was not measured`);
  return medianSample(found);
};

/** What one reached in the same time, as a part of another: the median of the rounds, so that a round in which the machine was slow, or unlike the others, counts once. @throws when a name had no turn */
export const ratioOf = (samples: Samples, one: string, other: string): number => {
  const speeds = (name: string, round: number, rounds: number): number => {
    const own = (samples.get(name) ?? []).map(({ perSecond }) => perSecond);
    const turns = own.length / rounds;
    return own.slice(round * turns, (round + 1) * turns).reduce((sum, speed) => sum + speed / turns, 0);
  };
  const rounds = Math.min(...[one, other].map((name) => samples.get(name)?.length ?? 0));
  const ratio = medianOf(Array.from({ length: rounds }, (_, round) => speeds(one, round, rounds) / speeds(other, round, rounds)));
  if (ratio === undefined) throw new Error(`${one} and ${other} were not measured beside each other`);
  return ratio;
};
