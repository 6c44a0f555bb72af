import { readFileSync } from 'node:fs';
import type { TestBridge } from './bridge.js';
import { at, devEuiOf, postUplink } from './load.js';

/** What the bridge went through while it was attacked. */
export interface Watched {
  /** Statuses of the webhooks of honest network servers, how often each; 0 where the connection failed. */
  readonly honest: ReadonlyMap<number, number>;
  /** Statuses of /ready, how often each. */
  readonly ready: ReadonlyMap<number, number>;
  /** The slowest honest webhook, ms. */
  readonly slowestMs: number;
  /** Most anonymous memory of the process, MB. */
  readonly peakMb: number;
}

export const anonymousMb = (pid: number): number => Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;

const betweenMs = 50;

/** Posts an honest uplink twenty times a second, and looks at /ready and the memory, until it is told to stop. */
export const startWatch = (bridge: TestBridge): { stop(): Promise<Watched> } => {
  const honest = new Map<number, number>();
  const ready = new Map<number, number>();
  let slowestMs = 0;
  let peakMb = 0;
  let stopped = false;
  const count = (map: Map<number, number>, status: number): void => void map.set(status, (map.get(status) ?? 0) + 1);
  const round = async (fCnt: number): Promise<void> => {
    const from = performance.now();
    count(honest, await postUplink(bridge, devEuiOf(fCnt % 10), fCnt).catch(() => 0));
    slowestMs = Math.max(slowestMs, performance.now() - from);
    peakMb = Math.max(peakMb, anonymousMb(bridge.program.pid));
    if (fCnt % 10 === 0) count(ready, await bridge.private('/ready').then(({ status }) => status, () => 0));
  };
  const run = async (): Promise<void> => {
    for (let fCnt = 0; !stopped; fCnt += 1) {
      await round(fCnt);
      await at(performance.now() + betweenMs);
    }
  };
  const running = run();
  return {
    async stop() {
      stopped = true;
      await running;
      return { honest, ready, slowestMs, peakMb };
    },
  };
};

/** How many sockets this process may open beside what it has, and a bridge with the same limit of files. */
export const socketRoom = (most: number): number => {
  const soft = Number(/Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 1_024);
  return Math.min(most, Math.max(Math.floor(soft / 2) - 100, soft - 2_000));
};
