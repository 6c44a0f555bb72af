import { deadlineIn, type Deadline } from '../../lifecycle.js';
import type { Logger } from '../../log.js';
import { wakeUpQueue } from './keys.js';
import type { RedisLink } from './redis-link.js';
import { concurrency, type WakeUpWorker } from './wake-up-worker.js';

/** Keeps a worker at work for as long as Redis can be used. */
export interface WorkerKeeper {
  /** Redis became usable, or is no more. */
  changed(up: boolean): void;
  /** See the worker's own. */
  close(deadline: Deadline, late: () => Promise<void>): Promise<void>;
}

export interface WorkerKeeperOptions {
  readonly link: RedisLink;
  readonly tag: string;
  readonly start: () => WakeUpWorker;
  /** Called after a worker was started. */
  readonly started: () => void;
  /** A worker that has taken nothing for so long while work was due is replaced, ms. */
  readonly stuckMs: number;
  readonly logger: Logger;
}

/** How long a replaced worker may finish what it has in hand, ms. */
const retireMs = 120_000;

export const createWorkerKeeper = ({ link, tag, start, started, stuckMs, logger }: WorkerKeeperOptions): WorkerKeeper => {
  const retired = new Set<Promise<void>>();
  let worker: WakeUpWorker | undefined;
  let closed = false;

  const retire = (): void => {
    if (worker === undefined) return;
    const leaving = worker.close(deadlineIn(retireMs));
    worker = undefined;
    retired.add(leaving);
    void leaving.finally(() => retired.delete(leaving));
  };

  const replace = (): void => {
    retire();
    worker = start();
    started();
  };

  /** Whether a wake-up waits, or should have been taken a while ago. BullMQ keeps the time of delayed jobs multiplied by 4096. */
  const workIsDue = (): Promise<boolean> => link.run(async (client) => {
    const [waiting, delayed] = await Promise.all([client.llen(`${tag}:${wakeUpQueue}:wait`), client.zrange(`${tag}:${wakeUpQueue}:delayed`, 0, '0', 'WITHSCORES')]);
    return waiting > 0 || Number(delayed[1] ?? Number.POSITIVE_INFINITY) / 4_096 < Date.now() - stuckMs;
  });

  const isIdle = (one: WakeUpWorker | undefined): boolean => one !== undefined && one.active() < concurrency && performance.now() - one.lastTaken() > stuckMs;

  const watch = async (): Promise<void> => {
    const suspect = worker;
    if (!link.isUp() || !isIdle(suspect) || !(await workIsDue())) return;
    if (closed || worker !== suspect || !isIdle(suspect)) return;
    logger.warn('no downlink was taken while some were due; starting to take them anew');
    replace();
  };

  // BullMQ workers have stopped taking work after an outage while everything looked well, so both the end of an outage and idleness replace them.
  const timer = setInterval(() => { void watch().catch(() => undefined); }, stuckMs / 2);

  return {
    changed(up) {
      if (closed) return;
      if (up) replace();
      else if (link.problem()?.reason === 'redis_unsafe') retire();
    },
    async close(deadline, late) {
      closed = true;
      clearInterval(timer);
      const last = worker?.close(deadline, late);
      await last;
      // What replaced workers still have in hand was abandoned with the rest.
      await Promise.race([Promise.allSettled(retired), new Promise((resolve) => { setTimeout(resolve, Math.min(deadline.remaining(), 1_000)).unref(); })]);
    },
  };
};
