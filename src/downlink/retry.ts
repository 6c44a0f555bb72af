import { backoffMs, type Backoff } from '../backoff.js';
import { forgetOldest } from '../forget-oldest.js';
import type { Downlink, DownlinkCause, SubmitOutcome } from '../messages/downlink.js';
import { causeOf } from './downlink-status.js';
import type { DownlinkTarget } from './ports.js';

type Refusal = Exclude<SubmitOutcome, { kind: 'accepted' }>;

/** What follows an attempt that the network server did not take. */
export type NextStep = { readonly kind: 'fail'; readonly cause: DownlinkCause } | { readonly kind: 'retry'; readonly afterMs: number; readonly attempts: number };

/** What the next step depends on. */
export interface AttemptMade {
  readonly target: Pick<DownlinkTarget, 'maxAttempts' | 'backoff' | 'onUnknown'>;
  readonly downlink: Downlink;
  /** Attempts that counted before this one. */
  readonly attempts: number;
  /** Refusals of this downlink that did not count, before this one; known since the start of the process only. */
  readonly uncounted: number;
  /** Epoch ms. */
  readonly now: number;
  readonly random: () => number;
}

/** Pause before a downlink is handed out again that could not even be tried because of the store. */
export const storeBackoff: Backoff = { minMs: 500, maxMs: 5_000 };

/** A wait that does not go beyond the validity time: then the downlink is looked at to expire it. */
export const untilValidity = (afterMs: number, { validUntil }: Downlink, now: number): number => Math.max(0, Math.round(Math.min(afterMs, validUntil - now)));

const exhausted = (refusal: Refusal, attempts: number): DownlinkCause => {
  const { code, text } = causeOf(refusal.reason, refusal.cause);
  const native = code === undefined || code === refusal.reason ? '' : `${code}: `;
  return { code: 'attempts_exhausted', text: `attempt ${attempts} failed: ${refusal.reason}: ${native}${text ?? ''}` };
};

/** Where nobody gets in, the state of the network server says when to try again, and the downlink need not wait longer by itself. */
const failuresOf = (refusal: Refusal, { attempts, uncounted }: AttemptMade): number =>
  refusal.kind === 'later' && refusal.scope === 'network-server' ? attempts : attempts + uncounted;

const retryIn = (refusal: Refusal, made: AttemptMade, counted: number): NextStep => {
  const { target, downlink, now, random } = made;
  const asked = refusal.kind === 'later' ? (refusal.retryAfterMs ?? 0) : 0;
  return { kind: 'retry', afterMs: untilValidity(Math.max(backoffMs(target.backoff, failuresOf(refusal, made), random), asked), downlink, now), attempts: counted };
};

/** Counts refusals that do not count as attempts, of a bounded number of downlinks: the oldest are forgotten first. */
export const createUncounted = (limit = 10_000): { of(id: string): number; more(id: string): void; clear(id: string): void } => {
  const counts = new Map<string, number>();
  return {
    of: (id) => counts.get(id) ?? 0,
    more(id) {
      counts.set(id, (counts.get(id) ?? 0) + 1);
      forgetOldest(counts, limit);
    },
    clear: (id) => void counts.delete(id),
  };
};

/** The one place that decides whether a downlink is tried again. */
export const nextStep = (refusal: Refusal, made: AttemptMade): NextStep => {
  const { target, attempts } = made;
  if (refusal.kind === 'never') return { kind: 'fail', cause: causeOf(refusal.reason, refusal.cause) };
  if (refusal.kind === 'unknown' && target.onUnknown === 'fail') return { kind: 'fail', cause: { ...causeOf(refusal.reason, refusal.cause), code: refusal.reason } };
  const counted = refusal.kind === 'later' && !refusal.counts ? attempts : attempts + 1;
  return counted >= target.maxAttempts ? { kind: 'fail', cause: exhausted(refusal, counted) } : retryIn(refusal, made, counted);
};
