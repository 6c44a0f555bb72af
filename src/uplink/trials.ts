import { backoffMs } from '../backoff.js';
import type { Reason } from '../errors.js';
import { setBounded } from '../forget-oldest.js';
import type { OutboxRecord } from './ports.js';
import { heldBackoff } from './retry.js';

/**
 * Finds the message for which AWS closes sessions, without blaming the others.
 *
 * AWS answers a publish that the policy forbids by closing the session, and does not say which one it was. A record whose session
 * closed twice becomes a suspect, and from then on records go one at a time, alone on a session. A suspect that is refused alone,
 * is refused alone again, and between the two saw another topic acknowledged, is an offender and is parked. A close without a word
 * may be the network's: it counts half. While no topic at all is acknowledged nothing is parked: the connection is held, and tried
 * again at growing intervals.
 */
export interface Trials {
  /** Records go alone, one at a time. */
  readonly cautious: boolean;
  /** Nothing was acknowledged over several trials: since when, epoch ms. */
  readonly heldSince: number | undefined;
  acknowledged(record: OutboxRecord): void;
  /** The session of the record closed or its publish was forbidden. What to do with it: send again, keep here, or park. */
  blamed(record: OutboxRecord, how: Blame): 'again' | 'kept' | 'park';
  /** The next record to try alone; `idle` is the head of the queue of those nobody suspects. Undefined: not now, see `waitMs`. */
  next(idle: OutboxRecord | undefined): OutboxRecord | undefined;
  /** How long until `next` may give one, ms. */
  waitMs(): number;
  /** A suspect whose trial ended without a verdict waits for the next one. */
  undecided(record: OutboxRecord): boolean;
  /** The topic is tried again, whatever was found before: somebody says that it is allowed now. */
  allow(topic: string): void;
  /** Whether the topic was found forbidden lately. */
  forbids(topic: string): boolean;
  /** The endpoint went away: the closes were not about the records. */
  forgive(): void;
}

/**
 * `shared`: its session closed with others in flight. `alone`: it closed with this one only, and the broker said that a publish was the cause;
 * `silent`: so too, but without a word. `refused`: the PUBACK itself said so.
 */
export type Blame = 'shared' | 'alone' | 'silent' | 'refused';

interface Suspect {
  readonly record: OutboxRecord;
  /** Weight of the refusals that another topic's acknowledgement parted from each other. */
  strikes: number;
  /** Acknowledgements seen when it was last struck. */
  evidence: number;
}

/** Closes of its session, while in flight, that make a record a suspect. */
const suspiciousCloses = 2;
/** What a refusal of a suspect alone weighs, and what makes an offender of it: two that the broker gave a reason for, or four silent closes. */
const strikeWeight = { alone: 2, refused: 2, silent: 1 } as const;
const offence = 4;
const maxSuspects = 1_000;
/** Trials in a row without any acknowledgement after which the connection counts as held. */
const heldAfter = 3;
/** How long a topic found forbidden is parked unseen, ms; then it is tried again, so that a changed policy takes effect. */
const forbiddenForMs = 300_000;
const maxForbiddenTopics = 1_000;
/** A PUBACK that forbids needs no trial when another topic was acknowledged in the last few seconds, ms. */
const freshEvidenceMs = 10_000;
/** Longest pause before a record that nobody suspects is tried, ms. */
const longestIdlePauseMs = 5_000;

export const parkReasonOfTrials: Reason = 'publish_forbidden';

const createForbiddenTopics = (now: () => number): { add(topic: string): void; remove(topic: string): void; has(topic: string): boolean } => {
  const until = new Map<string, number>();
  return {
    add(topic) {
      setBounded(until, [topic, now() + forbiddenForMs], maxForbiddenTopics);
    },
    remove: (topic) => void until.delete(topic),
    has(topic) {
      const end = until.get(topic);
      if (end === undefined) return false;
      if (end > now()) return true;
      until.delete(topic);
      return false;
    },
  };
};

/** @param now Milliseconds of a clock that only goes forward. @param wallClock Epoch ms, for `heldSince`. */
export const createTrials = (now: () => number = () => performance.now(), wallClock: () => number = Date.now): Trials => {
  const closes = new Map<number, number>();
  const suspects = new Map<number, Suspect>();
  const forbidden = createForbiddenTopics(now);
  let acknowledgements = 0;
  let acknowledgedAt = Number.NEGATIVE_INFINITY;
  let failuresInRow = 0;
  let lastFailureAt = 0;
  let pauseMs = 0;
  let heldSince: number | undefined;

  const failed = (): void => {
    failuresInRow += 1;
    lastFailureAt = now();
    pauseMs = backoffMs(heldBackoff, failuresInRow - 1);
    if (failuresInRow >= heldAfter) heldSince ??= wallClock();
  };

  /** A further strike, when another topic was acknowledged since the last one, and the verdict when they are enough. */
  const strike = (suspect: Suspect, weight: number): 'kept' | 'park' => {
    failed();
    if (suspect.strikes === 0 || acknowledgements > suspect.evidence) suspect.strikes += weight;
    suspect.evidence = acknowledgements;
    return suspect.strikes < offence ? 'kept' : condemn(suspect.record);
  };

  const condemn = (record: OutboxRecord): 'park' => {
    suspects.delete(record.seq);
    closes.delete(record.seq);
    forbidden.add(record.topic);
    return 'park';
  };

  const suspect = (record: OutboxRecord, strikes: number): 'kept' | 'again' => {
    if (suspects.size >= maxSuspects) return 'again';
    suspects.set(record.seq, { record, strikes, evidence: acknowledgements });
    if (strikes > 0) failed();
    return 'kept';
  };

  const candidates = (idle: OutboxRecord | undefined): OutboxRecord | undefined => {
    let waiting: Suspect | undefined;
    for (const one of suspects.values()) {
      if (one.strikes === 0 || acknowledgements > one.evidence) return one.record;
      waiting ??= one;
    }
    if (idle !== undefined) return idle;
    if (waiting === undefined) return undefined;
    suspects.delete(waiting.record.seq);
    suspects.set(waiting.record.seq, waiting);
    return waiting.record;
  };

  const pauseLeft = (limitMs: number): number => (failuresInRow === 0 ? 0 : Math.max(0, lastFailureAt + Math.min(pauseMs, limitMs) - now()));

  return {
    get cautious() {
      return suspects.size > 0;
    },
    get heldSince() {
      return heldSince;
    },
    acknowledged(record) {
      acknowledgements += 1;
      acknowledgedAt = now();
      failuresInRow = 0;
      heldSince = undefined;
      if (closes.size > 0) closes.delete(record.seq);
      if (suspects.size > 0) suspects.delete(record.seq);
    },
    blamed(record, how) {
      if (how === 'refused' && now() - acknowledgedAt < freshEvidenceMs) return condemn(record);
      const known = suspects.get(record.seq);
      if (known !== undefined) return how === 'shared' ? 'kept' : strike(known, strikeWeight[how]);
      if (how !== 'shared') return suspect(record, strikeWeight[how]);
      if (suspects.size > 0) return suspect(record, 0);
      const count = (closes.get(record.seq) ?? 0) + 1;
      closes.set(record.seq, count);
      return count < suspiciousCloses ? 'again' : suspect(record, 0);
    },
    next(idle) {
      const candidate = candidates(idle);
      const limit = candidate === idle ? longestIdlePauseMs : heldBackoff.maxMs;
      return pauseLeft(limit) > 0 ? undefined : candidate;
    },
    waitMs: () => Math.max(10, pauseLeft(longestIdlePauseMs)),
    undecided: (record) => suspects.has(record.seq),
    allow: (topic) => forbidden.remove(topic),
    forbids: (topic) => forbidden.has(topic),
    forgive() {
      closes.clear();
    },
  };
};
