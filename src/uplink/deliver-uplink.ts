import { backoffMs } from '../backoff.js';
import { BridgeError, type Reason } from '../errors.js';
import { within, type Deadline } from '../lifecycle.js';
import type { Logger } from '../log.js';
import type { NoteEvent } from '../messages/bridge-event.js';
import type { DeliveryIntake } from './accept-uplink.js';
import { createBacklog } from './backlog.js';
import { createDirectPublishes, isDirect } from './direct-publishes.js';
import { createLanes } from './lanes.js';
import type { UplinkMetrics } from './metrics.js';
import type { DeviceGate, Outbox, OutboxRecord, Publisher, PublisherListener, PublishOutcome, Settlement } from './ports.js';
import { publishBackoff } from './retry.js';
import { createSettlements } from './settlements.js';
import { createTrials, parkReasonOfTrials } from './trials.js';
import { heldEvent, parkedEvent } from './uplink-events.js';

export interface DeliveryOptions {
  readonly connectionId: string;
  readonly outbox: Outbox;
  readonly metrics: UplinkMetrics;
  readonly note: NoteEvent;
  readonly logger: Logger;
  /** Asked when a message's validity time has ended; `drop` when absent. */
  readonly expired?: () => 'drop' | 'park';
  /** Asked before what waits is published; always so when absent. While it is not so, nothing goes out of the outbox. */
  readonly mayPublish?: () => boolean;
}

/** Carries one connection's outbox to its publisher: in order for each device, devices beside each other. */
export interface Delivery extends DeliveryIntake {
  readonly listener: PublisherListener;
  /** Starts with what the outbox holds. */
  start(publisher: Publisher): void;
  /** Sets who says which devices may be published, or nobody; devices that had to wait are asked about again. */
  gate(gate: DeviceGate | undefined): void;
  /** The outbox holds, or may hold, messages that were not told by `appended`. */
  more(): void;
  /** Forgets what it has in hand up to this position, which another replica delivers now, and goes on with what the outbox holds behind it. */
  restart(position: number): void;
  /**
   * What it has in hand may not be what the outbox holds: once nothing is under way it begins with what is there.
   * @param lost The outbox has lost changes: the outcome of what is under way says nothing about what is there.
   */
  reread(lost: boolean): void;
  /** Set while nothing at all is allowed on the connection: since when, epoch ms. */
  heldSince(): number | undefined;
  /** Sends nothing more, waits for the PUBACKs under way, settles them. */
  stop(deadline: Deadline): Promise<void>;
}

/** Pause before what is ready is looked at again while nothing may be published, ms. */
const fencedMs = 500;

export const createDelivery = ({ connectionId, outbox, metrics, note, logger, expired: whatOfExpired = () => 'drop', mayPublish = () => true }: DeliveryOptions): Delivery => {
  const lanes = createLanes();
  let trials = createTrials();
  const attempts = new Map<number, number>();
  const pauses = new Set<NodeJS.Timeout>();
  const direct = createDirectPublishes(connectionId, metrics);
  const settlements = createSettlements({ connectionId, outbox, metrics, logger });
  let publisher: Publisher | undefined;
  let gate: DeviceGate | undefined;
  let inFlight = 0;
  let alone: number | undefined;
  let fenced: NodeJS.Timeout | undefined;
  /** Positions up to it are another replica's: what comes of their last publishes concerns nobody here. */
  let horizon = 0;
  let scheduled = false;
  /** `whole`: after what is under way was settled; `lost`: without settling it; `now`: about to. */
  let rereading: 'whole' | 'lost' | 'now' | undefined;
  let stopping = false;
  let drained: () => void = () => undefined;

  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(turn);
  };
  const backlog = createBacklog({ connectionId, outbox, lanes, schedule, logger });

  /** One event-loop turn: what was settled goes to the store in one write, then what is ready goes to AWS. */
  const turn = (): void => {
    scheduled = false;
    settlements.flush();
    if (stopping || publisher === undefined) return;
    if (rereading !== undefined) return beginAnew();
    if (!mayPublish()) fenced ??= later(fencedMs, unfence);
    else if (trials.cautious) publishOneAlone(publisher);
    else publishReady(publisher);
  };

  /** Once nothing is under way, what is in hand is put away and all is read from the outbox. */
  const beginAnew = (): void => {
    if (inFlight > 0 || rereading === 'now') return;
    rereading = 'now';
    void settlements.written().then(() => {
      rereading = undefined;
      putAway();
      backlog.restart(0);
      schedule();
    });
  };

  const putAway = (): void => {
    alone = undefined;
    attempts.clear();
    trials = createTrials();
    lanes.clear();
  };

  const unfence = (): void => {
    fenced = undefined;
    schedule();
  };

  const settle = (settlement: Settlement): void => {
    const { record } = settlement;
    if (attempts.size > 0) attempts.delete(record.seq);
    settlements.add(settlement);
    lanes.done(record);
    schedule();
  };

  const park = (record: OutboxRecord, reason: Reason, detail: string): void => {
    logger.warn({ connection_id: connectionId, message_id: record.messageId, network_server: record.networkServerId, reason, detail }, 'message parked');
    note(parkedEvent(record, reason, detail));
    settle({ outcome: 'parked', record, reason, detail });
  };

  /** Puts aside what must wait for its device's registration, and parks what AWS must not get. */
  const gated = (record: OutboxRecord): boolean => {
    const admission = gate?.admit(record.deviceId) ?? { kind: 'go' };
    if (admission.kind === 'go') return false;
    if (admission.kind === 'wait') lanes.shelve();
    else {
      lanes.take();
      park(record, admission.reason, admission.detail);
    }
    return true;
  };

  /** Ends a record that must not be published any more, or not now. */
  const settledUnpublished = (record: OutboxRecord): boolean => {
    const expired = record.expiresAt !== 0 && record.expiresAt <= Date.now();
    if (!expired && !trials.forbids(record.topic)) return gated(record);
    lanes.take();
    if (expired && whatOfExpired() === 'park') park(record, 'validity_ended', 'the validity time ended before AWS acknowledged it');
    else if (expired) settle({ outcome: 'expired', record });
    else park(record, parkReasonOfTrials, `AWS refused the topic ${record.topic} a short time ago`);
    return true;
  };

  const publishReady = (to: Publisher): void => {
    backlog.top();
    for (let record = lanes.peek(); record !== undefined; record = lanes.peek()) {
      if (settledUnpublished(record)) continue;
      if (!to.publish(record)) return to.demand(lanes.ready);
      lanes.take();
      alone = undefined;
      inFlight += 1;
      if (lanes.ready === 0) backlog.top();
    }
  };

  const publishOneAlone = (to: Publisher): void => {
    if (inFlight > 0) return;
    backlog.top();
    let idle = lanes.peek();
    while (idle !== undefined && settledUnpublished(idle)) idle = lanes.peek();
    const record = trials.next(idle);
    if (record === undefined) return void later(trials.waitMs(), schedule);
    if (!to.publishAlone(record)) return to.demand(1);
    if (record === idle) lanes.take();
    alone = record.seq;
    inFlight += 1;
  };

  const later = (ms: number, run: () => void): NodeJS.Timeout => {
    const timer = setTimeout(() => {
      pauses.delete(timer);
      run();
    }, ms);
    pauses.add(timer);
    return timer;
  };

  const retryLater = (record: OutboxRecord): void => {
    const mine = trials;
    const failures = attempts.get(record.seq) ?? 0;
    attempts.set(record.seq, failures + 1);
    if (trials.undecided(record)) return schedule();
    later(backoffMs(publishBackoff, failures), () => {
      if (mine !== trials) return;
      lanes.again(record);
      schedule();
    });
  };

  const judge = (record: OutboxRecord, refused: Reason | undefined): void => {
    const held = trials.heldSince;
    const verdict = trials.blamed(record, refused !== undefined ? 'refused' : alone === record.seq ? 'alone' : 'shared');
    if (held === undefined && trials.heldSince !== undefined) {
      logger.error({ connection_id: connectionId, reason: 'connection_held' }, 'nothing is allowed on the connection, holding it');
      note(heldEvent(connectionId, true));
    }
    if (verdict === 'park') return park(record, refused ?? parkReasonOfTrials, `AWS refused the topic ${record.topic} while other topics were accepted`);
    if (verdict === 'again') lanes.again(record);
    schedule();
  };

  const failed = (record: OutboxRecord, outcome: Exclude<PublishOutcome, { kind: 'acknowledged' }>): void => {
    const reason = outcome.kind === 'timeout' ? 'publish_timeout' : outcome.reason;
    metrics.attemptFailed(connectionId, reason);
    if (logger.isLevelEnabled('debug')) logger.debug({ connection_id: connectionId, message_id: record.messageId, reason }, 'publish failed');
    if (outcome.kind === 'timeout' || outcome.reason === 'publish_throttled') return retryLater(record);
    if (outcome.kind === 'refused') return judge(record, outcome.reason);
    if (outcome.blame) return judge(record, undefined);
    if (!trials.undecided(record)) lanes.again(record);
    schedule();
  };

  const settledDirectly = (record: OutboxRecord, outcome: PublishOutcome): void => {
    lanes.done(record);
    schedule();
    direct.settled(record, outcome);
  };

  const listener: PublisherListener = {
    settled(record, outcome) {
      inFlight -= 1;
      if (isDirect(record)) settledDirectly(record, outcome);
      else if (record.seq <= horizon || rereading === 'lost') schedule();
      else if (outcome.kind === 'acknowledged') {
        const held = trials.heldSince;
        trials.acknowledged(record);
        if (held !== undefined) {
          logger.info({ connection_id: connectionId }, 'the connection is no longer held');
          note(heldEvent(connectionId, false));
        }
        if (logger.isLevelEnabled('debug')) logger.debug({ connection_id: connectionId, message_id: record.messageId }, 'message delivered');
        settle({ outcome: 'delivered', record });
      } else failed(record, outcome);
      if (inFlight > 0) return;
      drained();
      if (rereading !== undefined) schedule();
    },
    room: schedule,
    unreachable: () => trials.forgive(),
  };

  return {
    listener,
    start(to) {
      publisher = to;
      schedule();
    },
    appended(records) {
      backlog.appended(records);
      schedule();
    },
    allow: (topic) => trials.allow(topic),
    more() {
      backlog.more();
      schedule();
    },
    restart(position) {
      if (position <= horizon) return;
      horizon = position;
      putAway();
      backlog.restart(position);
      schedule();
    },
    gate(next) {
      gate = next;
      next?.onReleased((deviceId) => {
        if (gate !== next) return;
        lanes.fetch(deviceId);
        schedule();
      });
      lanes.fetchAll();
      schedule();
    },
    publishDirectly(record) {
      const mustWait = stopping || rereading !== undefined || !backlog.whole || trials.cautious || lanes.has(record.deviceId) || (gate?.admit(record.deviceId).kind ?? 'go') !== 'go';
      const sent = publisher === undefined || mustWait ? undefined : direct.send(record, publisher);
      if (sent === undefined) return Promise.reject(new BridgeError('store_unavailable'));
      inFlight += 1;
      lanes.occupy(sent.record);
      return sent.acknowledged;
    },
    reread(lost) {
      if (lost) settlements.drop();
      rereading = lost ? 'lost' : (rereading ?? 'whole');
      schedule();
    },
    heldSince: () => trials.heldSince,
    async stop(deadline) {
      stopping = true;
      for (const timer of pauses) clearTimeout(timer);
      backlog.stop();
      if (inFlight > 0) await within(deadline, new Promise<void>((resolve) => (drained = resolve)));
      settlements.flush();
      await within(deadline, settlements.written());
    },
  };
};
