import { runFixedRate } from './load/fixed-rate.js';
import { runFullSpeed } from './load/full-speed.js';
import type { LoadOptions, LoadResult } from './types.js';

/**
 * Posts uplinks that are all different, from a process of its own, to an `http:` URL: at `rate` where one is given, else as fast as they are answered.
 * `seconds` are whole ones. `answered` counts answers 2xx.
 * @throws Error when the load generator does not start, or fails
 */
export const runLoad = (options: LoadOptions): Promise<LoadResult> => {
  const { rate } = options;
  return rate === undefined ? runFullSpeed(options) : runFixedRate({ ...options, rate });
};
