import type { Source } from './single-flight.js';

/** Work that is done in the order in which it was asked for. */
export interface Errands extends Source {
  /** Settles as the work does. */
  do<T>(work: () => Promise<T>): Promise<T>;
}

export const createErrands = (wake: () => void): Errands => {
  const waiting: (() => Promise<void>)[] = [];
  return {
    waits: () => waiting.length > 0,
    async run() {
      await waiting.shift()?.();
    },
    do: (work) =>
      new Promise((resolve, reject) => {
        waiting.push(() => work().then(resolve, reject));
        wake();
      }),
  };
};
