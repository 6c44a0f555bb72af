import { fileURLToPath } from 'node:url';
import type { LoadOptions, LoadResult } from '../types.js';
import { runGenerator } from './run-generator.js';

/** How long what is on its way at the end may take. */
export const drainMs = 10_000;
/** For the start of the process and of its connections. */
const spareMs = 20_000;

export type FixedRateOptions = LoadOptions & { readonly rate: number };

/**
 * So many requests a second, by a process of our own. Tools that are at hand do not spread them: autocannon posts all requests of a
 * second at its beginning, as fast as they are answered, and wrk has no rate. Here a request is due at its own moment whether
 * or not earlier ones are answered; it waits where no connection is free, and its latency counts from the moment it was due.
 */
export const runFixedRate = async (options: FixedRateOptions): Promise<LoadResult> => {
  const program = fileURLToPath(new URL('./fixed-rate-process.js', import.meta.url));
  return (await runGenerator({ command: process.execPath, args: [program, JSON.stringify(options)], withinMs: options.seconds * 1_000 + drainMs + spareMs })) as unknown as LoadResult;
};
