import { backoffMs } from '../backoff.js';
import type { Reason } from '../errors.js';
import type { Logger } from '../log.js';
import type { NoteEvent } from '../messages/bridge-event.js';
import type { Lanes } from './lanes.js';
import type { UplinkMetrics } from './metrics.js';
import type { Pauses } from './pauses.js';
import type { OutboxRecord, PublishOutcome } from './ports.js';
import { publishBackoff } from './retry.js';
import { createTrials, parkReasonOfTrials, type Blame, type Trials } from './trials.js';
import { heldEvent } from './uplink-events.js';

export interface FailedPublishesOptions {
  readonly connectionId: string;
  readonly lanes: Pick<Lanes, 'again'>;
  readonly metrics: Pick<UplinkMetrics, 'attemptFailed'>;
  readonly note: NoteEvent;
  readonly logger: Logger;
  readonly pauses: Pauses;
  /** Something may be ready: asks for a turn. */
  readonly schedule: () => void;
  readonly park: (record: OutboxRecord, reason: Reason, detail: string) => void;
}

export type Failure = Exclude<PublishOutcome, { readonly kind: 'acknowledged' }>;

/** What becomes of a record whose publish failed: it goes again at once or after a pause, is tried alone, or is parked. */
export interface FailedPublishes {
  /** What was found out so far; another one after `clear`. */
  readonly trials: Trials;
  /** @param alone The record was published while nothing else was under way on its session. */
  failed(record: OutboxRecord, failure: Failure, alone: boolean): void;
  /** A publish did not fail, so that not everything is forbidden. */
  acknowledged(record: OutboxRecord): void;
  /** The record is settled: how often it failed matters no more. */
  forget(record: OutboxRecord): void;
  /** Forgets everything: what was in hand is put away. */
  clear(): void;
}

export const createFailedPublishes = ({ connectionId, lanes, metrics, note, logger, pauses, schedule, park }: FailedPublishesOptions): FailedPublishes => {
  let trials = createTrials();
  /** Failures without a verdict, by position. */
  const failures = new Map<number, number>();

  const goAgain = (record: OutboxRecord): void => {
    lanes.again(record);
    schedule();
  };

  const goAgainLater = (record: OutboxRecord): void => {
    const mine = trials;
    const before = failures.get(record.seq) ?? 0;
    failures.set(record.seq, before + 1);
    if (trials.undecided(record)) return schedule();
    pauses.later(backoffMs(publishBackoff, before), () => {
      if (mine === trials) goAgain(record);
    });
  };

  /** @param refused What the PUBACK said; undefined when the session closed instead. */
  const judge = (record: OutboxRecord, blame: Blame, refused?: Reason): void => {
    const held = trials.heldSince;
    const verdict = trials.blamed(record, blame);
    if (held === undefined && trials.heldSince !== undefined) {
      logger.error({ connection_id: connectionId, reason: 'connection_held' }, 'nothing is allowed on the connection, holding it');
      note(heldEvent(connectionId, true));
    }
    if (verdict === 'park') return park(record, refused ?? parkReasonOfTrials, `AWS refused the topic ${record.topic} while other topics were accepted`);
    if (verdict === 'again') return goAgain(record);
    schedule();
  };

  return {
    get trials() {
      return trials;
    },
    failed(record, failure, alone) {
      const reason = failure.kind === 'timeout' ? 'publish_timeout' : failure.reason;
      metrics.attemptFailed(connectionId, reason);
      if (logger.isLevelEnabled('debug')) logger.debug({ connection_id: connectionId, message_id: record.messageId, reason }, 'publish failed');
      if (failure.kind === 'timeout' || failure.reason === 'publish_throttled') return goAgainLater(record);
      if (failure.kind === 'refused') return judge(record, 'refused', failure.reason);
      if (failure.blame !== 'none') return judge(record, !alone ? 'shared' : failure.blame === 'likely' ? 'alone' : 'silent');
      if (trials.undecided(record)) return schedule();
      goAgain(record);
    },
    acknowledged(record) {
      const held = trials.heldSince;
      trials.acknowledged(record);
      if (held === undefined) return;
      logger.info({ connection_id: connectionId }, 'the connection is no longer held');
      note(heldEvent(connectionId, false));
    },
    forget(record) {
      if (failures.size > 0) failures.delete(record.seq);
    },
    clear() {
      failures.clear();
      trials = createTrials();
    },
  };
};
