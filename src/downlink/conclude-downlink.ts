import { finalStates, type DownlinkCause } from '../messages/downlink.js';
import type { TellEarly } from './early-reports.js';
import type { QueuedDownlink, SubmittedDownlink, Verdict } from './ports.js';
import type { Reporter } from './report-status.js';
import type { SubmissionMemory } from './submission-memory.js';

/** A state after which the queue may forget the downlink. */
export interface Conclusion {
  readonly state: 'submitted' | 'failed' | 'expired';
  readonly attempt: number;
  readonly cause?: DownlinkCause | undefined;
}

export interface ConclusionsOptions {
  readonly reporter: Pick<Reporter, 'publishSurely'>;
  readonly memory: Pick<SubmissionMemory, 'forget'>;
  readonly early: Pick<TellEarly, 'tell'>;
  readonly again: (queued: QueuedDownlink, afterMs: number) => Verdict;
}

/** Ends the way of a downlink through the queue; where its state cannot be told yet, it is asked for again. */
export interface Conclusions {
  /** The state is durable before the queue forgets the downlink. While the outbox is full the device waits here. */
  conclude(queued: QueuedDownlink, conclusion: Conclusion): Promise<Verdict>;
  /** No report about it is expected any more. */
  concludeForGood(queued: QueuedDownlink, conclusion: Conclusion): Promise<Verdict>;
  /** The network server is known to have it. */
  concludeKnown(queued: QueuedDownlink, known: SubmittedDownlink): Promise<Verdict>;
}

const done: Verdict = { kind: 'done' };

export const createConclusions = ({ reporter, memory, early, again }: ConclusionsOptions): Conclusions => {
  const conclude = async (queued: QueuedDownlink, { state, attempt, cause }: Conclusion): Promise<Verdict> => {
    const isStored = await reporter.publishSurely({ downlink: queued.downlink, state, attempt, ...(cause === undefined ? {} : { cause }) });
    return isStored ? done : again(queued, 0);
  };

  /** Reports that came before the answer was noted follow its status, before the queue forgets the downlink. */
  const concludeSubmitted = async (queued: QueuedDownlink, known: SubmittedDownlink): Promise<Verdict> => {
    const verdict = await conclude(queued, { state: 'submitted', attempt: known.attempts });
    return verdict.kind === 'done' && !(await early.tell(known)) ? again(queued, 0) : verdict;
  };

  return {
    conclude,
    async concludeForGood(queued, conclusion) {
      const verdict = await conclude(queued, conclusion);
      if (verdict.kind === 'done') await memory.forget(queued.downlink);
      return verdict;
    },
    async concludeKnown(queued, known) {
      if (known.state === 'submitted') return concludeSubmitted(queued, known);
      if (finalStates.has(known.state)) await memory.forget(queued.downlink);
      return done;
    },
  };
};
