import { backoffMs, type Backoff } from '../backoff.js';
import type { Reason } from '../errors.js';
import type { SubmitOutcome } from '../messages/downlink.js';

/** A network server that takes nothing at the moment, for health. */
export interface FailingNetworkServer {
  readonly networkServerId: string;
  readonly reason: Reason;
  readonly detail: string;
  /** Epoch ms. */
  readonly since: number;
}

export interface NetworkServerStateOptions {
  readonly networkServerId: string;
  /** Of the network server; the pause between trials starts at its minimum. */
  readonly backoff: Backoff;
  /** Called when it begins to fail, fails for another reason, or (undefined) is well again. */
  readonly changed: (failing: FailingNetworkServer | undefined) => void;
  /** Epoch ms. */
  readonly now: () => number;
  /** Ms of a monotonic clock: a pause ends in its time when the wall clock is set. */
  readonly clock: () => number;
  readonly random: () => number;
}

/** One attempt that goes to the network server. */
export interface Attempt {
  ended(outcome: SubmitOutcome): void;
  /** False once the network server fails, unless this is its trial: what waits for its place in the rate then waits for the trial too. */
  mayLeave(): boolean;
  /** Nothing was sent after all. */
  abandoned(): void;
}

/**
 * Whether a network server answers, learned from the downlinks that go there anyway. While it fails all of them wait but one, the
 * trial, which the first that asks after the pause becomes. The first that gets through sets all the others free.
 */
export interface NetworkServerState {
  /** How long a downlink must wait before it may go, ms; 0: now. Who gets 0 while it fails has the trial, for a while, and gets 0 again when it asks again. */
  holdMs(downlinkId: string): number;
  /** Begins an attempt; undefined when another one is on trial, the pause is not over, or too many are out: then wait `holdMs`. */
  begin(): Attempt | undefined;
  failing(): FailingNetworkServer | undefined;
}

/** Failures in a row after which the network server counts as failing. */
const failsAfter = 3;
/** Longest pause between two trials, ms, unless the network server itself asked for a longer one. */
const longestTrialPauseMs = 15_000;
/** How long a trial is kept for who was told to go, ms: its submission may never come, because the downlink was replaced. */
const trialReservedMs = 5_000;
/** Longest time that a trial may be out, ms; far above any timeout of a network server, so that a lost one does not hold it for ever. */
const longestTrialMs = 300_000;
/** Longest time until a waiting downlink looks again, ms: short enough to go soon after a recovery, long enough for thousands to wait. */
const longestLookMs = 4_000;
const shortestLookMs = 50;
/** Most attempts that are out at once, as many as an HTTP client has connections to one API. More would wait there, and their time would run out before their answer came. */
const mostOut = 64;
/** Silence: this many attempts without an answer, and none for this long, ms. More would only wait with them, each in a place that others need. */
const silence = { attempts: 8, ms: 2_000, lookMs: 250 };

const isTrouble = (outcome: SubmitOutcome): outcome is Extract<SubmitOutcome, { reason: Reason }> =>
  outcome.kind === 'unknown' || (outcome.kind === 'later' && outcome.scope === 'network-server');

/** Nothing was sent, for a reason of the downlink's own: it tells nothing about the network server. */
const saysNothing = (outcome: SubmitOutcome): boolean => outcome.kind === 'later' && outcome.scope === 'downlink' && !outcome.counts;

/** Trouble that needs no second look: nobody was let in, or the network server said when to come again. */
const isCertain = (outcome: SubmitOutcome): boolean => outcome.kind === 'later' && (!outcome.counts || outcome.retryAfterMs !== undefined);

interface Failure {
  readonly info: FailingNetworkServer;
  readonly trials: number;
  /** Times by `clock`. */
  readonly pauseUntil: number;
  reservedUntil: number;
  reservedFor?: string;
  /** The attempt that is out as the trial. */
  trial?: { readonly attempt: Attempt; readonly until: number } | undefined;
}

export const createNetworkServerState = ({ networkServerId, backoff, changed, now, clock, random }: NetworkServerStateOptions): NetworkServerState => {
  const out = new Map<object, number>();
  let failures = 0;
  let answeredAt = Number.NEGATIVE_INFINITY;
  let failure: Failure | undefined;

  const spread = (ms: number): number => Math.round(Math.max(shortestLookMs, Math.min(longestLookMs, ms) * (0.5 + random() / 2)));

  const isSilent = (): boolean => {
    if (out.size < silence.attempts) return false;
    const oldest = out.values().next().value ?? clock();
    return clock() - Math.max(oldest, answeredAt) > silence.ms;
  };

  const isFull = (): boolean => out.size >= mostOut;

  const isOnTrial = ({ trial }: Failure): boolean => trial !== undefined && trial.until > clock();

  const isReservedFor = (other: string, { reservedUntil, reservedFor }: Failure): boolean => reservedUntil > clock() && reservedFor !== other;

  const holdOf = (current: Failure, downlinkId: string): number => {
    const left = current.pauseUntil - clock();
    if (left > 0) return Math.round(left <= longestLookMs ? left + random() * Math.max(shortestLookMs, left / 4) : spread(longestLookMs));
    return isOnTrial(current) || isReservedFor(downlinkId, current) ? spread(longestLookMs / 2) : 0;
  };

  const pauseMs = (outcome: SubmitOutcome, trials: number): number => {
    const own = backoffMs({ minMs: backoff.minMs, maxMs: Math.min(longestTrialPauseMs, Math.max(backoff.minMs, backoff.maxMs)) }, trials, random);
    return Math.max(own, outcome.kind === 'later' ? (outcome.retryAfterMs ?? 0) : 0);
  };

  const failed = (outcome: Extract<SubmitOutcome, { reason: Reason }>): void => {
    const before = failure;
    const detail = outcome.cause.text ?? outcome.cause.code ?? '';
    const info = { networkServerId, reason: outcome.reason, detail, since: before?.info.since ?? now() };
    const trials = before === undefined ? 0 : before.trials + 1;
    failure = { info, trials, pauseUntil: clock() + pauseMs(outcome, trials), reservedUntil: 0 };
    if (before?.info.reason !== info.reason) changed(info);
  };

  const recovered = (): void => {
    failures = 0;
    if (failure === undefined) return;
    failure = undefined;
    changed(undefined);
  };

  /** What began before the failure was noticed says nothing new. */
  const troubled = (attempt: Attempt, outcome: Extract<SubmitOutcome, { reason: Reason }>): void => {
    failures += 1;
    if (failure === undefined ? failures >= failsAfter || isCertain(outcome) : failure.trial?.attempt === attempt) failed(outcome);
  };

  /** The trial is free for the next that asks. */
  const release = (attempt: Attempt): void => {
    if (failure?.trial?.attempt !== attempt) return;
    failure.trial = undefined;
    failure.reservedUntil = 0;
  };

  const settle = (attempt: Attempt, outcome: SubmitOutcome): void => {
    if (isTrouble(outcome)) return troubled(attempt, outcome);
    if (saysNothing(outcome)) release(attempt);
    else recovered();
  };

  return {
    holdMs(downlinkId) {
      if (failure === undefined) return isFull() || isSilent() ? Math.round(silence.lookMs * (0.5 + random())) : 0;
      const hold = holdOf(failure, downlinkId);
      if (hold > 0 || failure.reservedUntil > clock()) return hold;
      failure.reservedUntil = clock() + trialReservedMs;
      failure.reservedFor = downlinkId;
      return 0;
    },
    begin() {
      const current = failure;
      if (current === undefined && isFull()) return undefined;
      if (current !== undefined && (current.pauseUntil > clock() || isOnTrial(current))) return undefined;
      const attempt: Attempt = {
        ended(outcome) {
          if (!out.delete(attempt)) return;
          answeredAt = clock();
          settle(attempt, outcome);
        },
        mayLeave: () => failure === undefined || failure.trial?.attempt === attempt,
        abandoned() {
          if (out.delete(attempt)) release(attempt);
        },
      };
      out.set(attempt, clock());
      if (current !== undefined) current.trial = { attempt, until: clock() + longestTrialMs };
      return attempt;
    },
    failing: () => failure?.info,
  };
};
