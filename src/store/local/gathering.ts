import { createSideBySide } from '../../side-by-side.js';
import type { Job } from './job.js';

/** A transaction costs nearly as much for one message as for twenty, so the next one may wait a little for company. */
export interface GatherOptions {
  /** From the begin of a transaction to that of the next while several senders post at the same time, ms. */
  readonly appendMs: number;
  /** The same while only `settle` waits, which nobody is kept waiting by, ms. */
  readonly settleMs: number;
}

type Waiting = readonly Pick<Job, 'kind'>[];

/** Says when the next transaction may begin. One that comes long after the last, or for a sender that posts one after the other, begins at once. */
export interface Gathering {
  /** Something is asked for while this waits. */
  add(job: Pick<Job, 'kind'>, waiting: Waiting): void;
  begin(group: Waiting): void;
  end(): void;
  /** Ms until a transaction for what waits may begin; 0 or less: now. */
  waitMs(waiting: Waiting): number;
  /** Whether the write need not wait for what else this event-loop turn brings: an append holds its whole turn, and the disk works while PUBACKs are read. */
  isWhole(waiting: Waiting): boolean;
}

const immediate: Gathering = { add: () => undefined, begin: () => undefined, end: () => undefined, waitMs: () => 0, isWhole: () => false };

const isUrgent = ({ kind }: Pick<Job, 'kind'>): boolean => kind !== 'settle';

export const createGathering = (options: GatherOptions | undefined, now: () => number): Gathering => {
  if (options === undefined) return immediate;
  const { appendMs, settleMs } = options;
  const beside = createSideBySide();
  let urgentRuns = false;
  let begunAt = Number.NEGATIVE_INFINITY;

  return {
    add(job, waiting) {
      if (isUrgent(job) && (urgentRuns || waiting.some(isUrgent))) beside.note(now());
    },
    begin(group) {
      urgentRuns = group.some(isUrgent);
      begunAt = now();
    },
    end() {
      urgentRuns = false;
    },
    waitMs(waiting) {
      const at = now();
      if (!waiting.some(isUrgent)) return begunAt + settleMs - at;
      return beside.is(at) ? begunAt + appendMs - at : 0;
    },
    isWhole: (waiting) => waiting.some(isUrgent),
  };
};
