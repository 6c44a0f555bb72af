import { contentTypeOf } from '../bodies.js';
import type { LoadOptions, LoadResult } from '../types.js';
import { runGenerator } from './run-generator.js';
import { templates } from './templates.js';
import { defaultFirstFrame, nextFrameAfter } from './uplinks-in-turn.js';

/** Relative to the root of the project, where the benchmark runs. */
const script = 'bench/load/wrk.lua';
/** wrk counts an answer that took longer as broken, and makes room for one counter a µs. */
const timeoutSeconds = 10;
/** From the start of wrk to its first request, and from the last one to its end. */
const spareMs = 10_000;

/** What `done` in `wrk.lua` prints. */
interface Summary {
  readonly posted: number;
  readonly completed: number;
  readonly refused: number;
  readonly errors: number;
  readonly micros: number;
  readonly cpuSeconds: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

const argumentsOf = ({ url, headers = {}, body, devices, connections, seconds, twice = false, firstFrame = defaultFirstFrame, firstDevice = 0 }: LoadOptions): readonly string[] => [
  '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', `${timeoutSeconds}s`, '-s', script,
  ...Object.entries({ 'Content-Type': contentTypeOf(body), ...headers }).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
  url, '--', templates[body].document, String(devices), String(firstFrame), twice ? '2' : '1', String(firstDevice),
];

/**
 * As many requests as the target answers, over all connections at once, by wrk. Its percentiles are corrected for requests that
 * a slow answer kept from being made: wrk takes the mean time between two requests of a connection as what was meant.
 * wrk leaves what is on its way at the end without waiting for the answers; those are not counted.
 */
export const runFullSpeed = async (options: LoadOptions): Promise<LoadResult> => {
  const { seconds, connections } = options;
  const generator = { command: 'wrk', args: argumentsOf(options), withinMs: seconds * 1_000 + spareMs };
  const { posted, completed, refused, errors, micros, cpuSeconds, p50, p99, p999, max } = (await runGenerator(generator)) as unknown as Summary;
  const answered = completed - refused;
  return {
    answered,
    refused,
    // A connection that the target closed is no error to wrk.
    broken: Math.max(errors, posted - completed - connections),
    seconds: micros / 1_000_000,
    perSecond: (answered * 1_000_000) / micros,
    latencyMs: { p50: p50 / 1_000, p99: p99 / 1_000, p999: p999 / 1_000, max: max / 1_000 },
    generatorCores: (cpuSeconds * 1_000_000) / micros,
    nextFrame: nextFrameAfter(options, posted),
  };
};
