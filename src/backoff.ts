import { setTimeout as delay } from 'node:timers/promises';

export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
}

/** Exponential backoff with jitter: between half and the whole of `minMs` doubled for each failure before, at most `maxMs`. */
export const backoffMs = ({ minMs, maxMs }: Backoff, failures: number, random: () => number = Math.random): number => {
  const ceiling = Math.min(maxMs, minMs * 2 ** Math.min(failures, 30));
  return ceiling / 2 + (random() * ceiling) / 2;
};

/** Resolves after so long, or as soon as the signal says so. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> => delay(ms, undefined, { signal }).catch(() => undefined);
