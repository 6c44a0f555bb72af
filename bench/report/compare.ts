import { readFileSync } from 'node:fs';
import { messageOf } from '../../src/errors.js';
import type { Measured } from '../types.js';
import type { Result } from './result.js';

type Comparable = Pick<Result, 'headline' | 'rows' | 'made'>;

/** @throws Error when the file is none that `--json` wrote */
export const readResult = (file: string): Comparable => {
  let read: unknown;
  try {
    read = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`--compare: ${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  if (typeof read !== 'object' || read === null || !('headline' in read) || !('rows' in read) || !Array.isArray(read.rows)) throw new Error(`--compare: ${file} is no result of the benchmark`);
  return read as Comparable;
};

const figures: readonly { readonly name: string; readonly of: (measured: Measured) => number | null | undefined; readonly digits: number }[] = [
  { name: 'a second', of: ({ perSecond }) => perSecond, digits: 0 },
  { name: 'ratio to (a)', of: ({ ratioToBare }) => ratioToBare, digits: 3 },
  { name: 'ratio to (b)', of: ({ ratioToNaive }) => ratioToNaive, digits: 3 },
  { name: 'ratio to (c)', of: ({ ratioToPublishAlone }) => ratioToPublishAlone, digits: 3 },
  { name: 'CPU µs each', of: ({ cpuMicrosPerUplink }) => cpuMicrosPerUplink, digits: 0 },
  { name: '2xx p50 ms', of: ({ acceptMs }) => acceptMs?.p50, digits: 2 },
  { name: '2xx p99 ms', of: ({ acceptMs }) => acceptMs?.p99, digits: 2 },
  { name: 'broker p99 ms', of: ({ arriveMs }) => arriveMs?.p99, digits: 2 },
  { name: 'RssAnon MB', of: ({ peakRssAnonBytes }) => (peakRssAnonBytes ?? Number.NaN) / 1024 / 1024, digits: 0 },
];

const isTold = (value: number | null | undefined): value is number => typeof value === 'number' && Number.isFinite(value);

const changeOf = (before: Measured, after: Measured): readonly string[] =>
  figures.flatMap(({ name, of, digits }) => {
    const [old, now] = [of(before), of(after)];
    if (!isTold(old) || !isTold(now)) return [];
    const percent = old === 0 ? '' : ` (${now >= old ? '+' : ''}${(((now - old) / old) * 100).toFixed(1)} %)`;
    return [`    ${name}: ${old.toFixed(digits)} → ${now.toFixed(digits)}${percent}`];
  });

/** What is different now, of every case that stands in both. The machine may have changed, too: ratios bear that better than rates. */
export const changesSince = (before: Comparable, after: Comparable): string => {
  const lines = after.rows.flatMap(({ name, measured }) => {
    const old = before.rows.find((row) => row.name === name)?.measured ?? [];
    return measured.flatMap((one) => {
      const same = old.find((other) => other.name === one.name);
      const changes = same === undefined ? [] : changeOf(same, one);
      return changes.length === 0 ? [] : [`  ${name}: ${one.name}`, ...changes];
    });
  });
  return [`Since ${before.made}:`, ...(lines.length === 0 ? ['  nothing stands in both results'] : lines), ''].join('\n');
};
