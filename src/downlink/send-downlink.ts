import { messageOf } from '../errors.js';
import type { DeviceAddress, Downlink, SubmitOutcome } from '../messages/downlink.js';
import type { Conclusions } from './conclude-downlink.js';
import type { DownlinkMetrics } from './metrics.js';
import type { Attempt } from './network-server-state.js';
import type { NetworkServerStates } from './network-server-states.js';
import type { DownlinkTarget, QueuedDownlink, Verdict } from './ports.js';
import { createUncounted, nextStep } from './retry.js';
import type { SendGate } from './send-gate.js';
import { createStaleTurns } from './stale-turns.js';
import type { SubmissionMemory, Turn } from './submission-memory.js';

export interface SendOptions {
  readonly targets: ReadonlyMap<string, DownlinkTarget>;
  readonly states: Pick<NetworkServerStates, 'of'>;
  readonly gate: SendGate;
  readonly memory: Pick<SubmissionMemory, 'attempting' | 'accepted'>;
  readonly conclusions: Conclusions;
  readonly again: (queued: QueuedDownlink, afterMs: number) => Verdict;
  readonly holdOf: (downlink: Downlink) => number;
  readonly metrics: Pick<DownlinkMetrics, 'attempt'>;
  readonly now: () => number;
  readonly clock: () => number;
  readonly random: () => number;
}

/** What follows when the turn of a downlink has come: it leaves, asks for another turn at once, or waits for its network server. */
type AtTurn = 'leave' | 'again' | 'hold';

/** Gives a downlink to its network server when its turn in the rate has come, and says what follows from the answer. */
export type Send = (turn: Turn, address: DeviceAddress) => Promise<Verdict>;

export const createSend = ({ targets, states, gate, memory, conclusions, again, holdOf, metrics, now, clock, random }: SendOptions): Send => {
  const uncounted = createUncounted();
  const stale = createStaleTurns();

  const attempt = async ({ target, downlink }: Turn, address: DeviceAddress): Promise<SubmitOutcome> => {
    const start = performance.now();
    const outcome: SubmitOutcome =
      target.submit === undefined
        ? { kind: 'never', reason: 'downlink_unsupported', cause: {} }
        : await target.submit(downlink, address).catch((error: unknown): SubmitOutcome => ({ kind: 'unknown', reason: 'internal_error', cause: { text: messageOf(error) } }));
    metrics.attempt(target.id, outcome.kind, (performance.now() - start) / 1000);
    return outcome;
  };

  const refused = (turn: Turn, outcome: Exclude<SubmitOutcome, { kind: 'accepted' }>): Promise<Verdict> | Verdict => {
    const { downlink, attempts, target } = turn;
    const next = nextStep(outcome, { target, downlink, attempts, uncounted: uncounted.of(downlink.id), now: now(), random });
    if (next.kind === 'retry') {
      if (next.attempts === attempts) uncounted.more(downlink.id);
      return next;
    }
    uncounted.clear(downlink.id);
    const conclusion = { state: 'failed', attempt: attempts + 1, cause: next.cause } as const;
    // After an unknown outcome a report may still come, and tells more than we know.
    return outcome.kind === 'unknown' ? conclusions.conclude(turn, conclusion) : conclusions.concludeForGood(turn, conclusion);
  };

  const accepted = async (turn: Turn, ids: readonly string[], tookMs: number): Promise<Verdict> => {
    uncounted.clear(turn.downlink.id);
    return conclusions.concludeKnown(turn, await memory.accepted(turn, ids, tookMs));
  };

  /** The stores and the rate took their time: what was true of it before may have changed. */
  const nextOf = ({ downlink, target, moment }: Turn, begun: Attempt): AtTurn => {
    if (targets.get(target.id) !== target || stale.isStale(downlink.id, moment?.leaveBy)) return 'again';
    return begun.mayLeave() ? 'leave' : 'hold';
  };

  /** What its reports will name is remembered, and its turn is waited for. */
  const untilTurn = async (turn: Turn, ids: readonly string[], begun: Attempt): Promise<AtTurn> => {
    try {
      await memory.attempting(turn, ids);
      await gate(turn.downlink.connectionId);
      return nextOf(turn, begun);
    } catch (error) {
      begun.abandoned();
      throw error;
    }
  };

  return async (turn, address) => {
    const { downlink, target } = turn;
    const begun = states.of(target.id)?.begin();
    if (begun === undefined) return again(turn, holdOf(downlink));
    const ids = target.idsOf(downlink);
    const next = await untilTurn(turn, ids, begun);
    if (next !== 'leave') {
      begun.abandoned();
      return again(turn, next === 'again' ? 0 : holdOf(downlink));
    }
    turn.moment?.left();
    const sentAt = clock();
    const outcome = await attempt(turn, address);
    begun.ended(outcome);
    return outcome.kind === 'accepted' ? accepted(turn, [...new Set([...ids, ...outcome.ids])], clock() - sentAt) : refused(turn, outcome);
  };
};
