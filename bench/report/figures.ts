import type { Measured, Percentiles } from '../types.js';

const isTold = (value: number | undefined | null): value is number => value !== undefined && value !== null && Number.isFinite(value);

/** Empty where there is nothing to tell. */
export const number = (value: number | undefined, digits = 0): string => (isTold(value) ? value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits }) : '');

/** Small times with more digits than long ones, ms. */
const time = (ms: number): string => number(ms, ms < 10 ? 2 : ms < 100 ? 1 : 0);

export const percentiles = (of: Percentiles | undefined): string => (of === undefined ? '' : [of.p50, of.p99, of.p999].map(time).join(' / '));

export const megabytes = (bytes: number | undefined): string => (bytes === undefined ? '' : `${number(bytes / 1024 / 1024)} MB`);

const ratios = ({ ratioToBare, ratioToNaive, ratioToPublishAlone, ratioToStoreAlone, ratioToLeast }: Measured): string =>
  [[ratioToBare, 'a'], [ratioToNaive, 'b'], [ratioToPublishAlone, 'c'], [ratioToStoreAlone, 'd'], [ratioToLeast, 'e']]
    .flatMap(([ratio, name]) => (typeof ratio === 'number' ? [`${number(ratio, 2)} of (${name})`] : []))
    .join(', ');

interface Column {
  readonly title: string;
  readonly cell: (measured: Measured) => string;
}

/** Of the tables; one that is empty in all lines of a table is left out. */
export const columns: readonly Column[] = [
  { title: 'a second', cell: ({ perSecond }) => number(perSecond) },
  { title: 'ratio', cell: ratios },
  { title: 'CPU µs each', cell: ({ cpuMicrosPerUplink }) => number(cpuMicrosPerUplink) },
  { title: 'webhook → 2xx, p50 / p99 / p99.9 ms', cell: ({ acceptMs }) => percentiles(acceptMs) },
  { title: 'webhook → broker, p50 / p99 / p99.9 ms', cell: ({ arriveMs }) => percentiles(arriveMs) },
  { title: 'RssAnon', cell: ({ peakRssAnonBytes }) => megabytes(peakRssAnonBytes) },
  { title: 'bytes written each', cell: ({ writtenBytesPerUplink }) => number(writtenBytesPerUplink) },
  { title: 'read and write calls each', cell: ({ callsPerUplink }) => number(callsPerUplink, 2) },
  { title: 'load generator, cores', cell: ({ generatorCores }) => number(generatorCores, 2) },
  { title: 'broker and Redis, CPU µs each', cell: ({ helperMicrosPerUplink }) => number(helperMicrosPerUplink) },
  { title: 'remarks', cell: ({ remark = '' }) => remark },
];

/** One line, for whoever waits. */
export const lineOf = (measured: Measured): string => {
  const { name, acceptMs, arriveMs, cpuMicrosPerUplink, remark } = measured;
  const figures = [
    ...(isTold(measured.perSecond) ? [`${number(measured.perSecond)}/s`] : []),
    ...(ratios(measured) === '' ? [] : [ratios(measured)]),
    ...(isTold(cpuMicrosPerUplink) ? [`${number(cpuMicrosPerUplink)} µs of CPU each`] : []),
    ...(acceptMs === undefined ? [] : [`2xx after ${percentiles(acceptMs)} ms`]),
    ...(arriveMs === undefined ? [] : [`at the broker after ${percentiles(arriveMs)} ms`]),
    ...(remark === undefined ? [] : [remark]),
  ];
  return `${name}: ${figures.join('; ')}`;
};
