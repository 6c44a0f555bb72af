import type { Child, Line } from './child.js';

export interface Arrival {
  readonly topic: string;
  readonly payload: string;
}

/** Everything AWS (the sandbox) received, and a way to wait for more of it. */
export interface Arrivals {
  readonly all: readonly Arrival[];
  /** Resolves once `done` holds over all arrivals. @throws when it does not in time */
  until(what: string, done: (all: readonly Arrival[]) => boolean, timeoutMs?: number): Promise<void>;
}

const arrivalOf = (line: Line): Arrival | undefined =>
  line['event'] === 'publish' && typeof line['topic'] === 'string' && typeof line['payload'] === 'string' ? { topic: line['topic'], payload: line['payload'] } : undefined;

/** Collects the publishes that the sandbox reports; `show` sees each as it comes. */
export const collectArrivals = (sandbox: Child, show: (arrival: Arrival) => unknown): Arrivals => {
  const all: Arrival[] = [];
  const waiting = new Set<() => void>();
  sandbox.onLine((line) => {
    const arrival = arrivalOf(line);
    if (arrival === undefined) return;
    all.push(arrival);
    show(arrival);
    for (const check of waiting) check();
  });
  return {
    all,
    async until(what, done, timeoutMs = 30_000) {
      let timer: NodeJS.Timeout | undefined;
      let check: () => void = () => undefined;
      try {
        await new Promise<void>((resolve, reject) => {
          check = () => done(all) && resolve();
          waiting.add(check);
          timer = setTimeout(() => reject(new Error(`${what} did not happen within ${timeoutMs / 1_000} s`)), timeoutMs);
          check();
        });
      } finally {
        clearTimeout(timer);
        waiting.delete(check);
      }
    },
  };
};
