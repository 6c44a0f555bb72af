import { backoffMs } from '../backoff.js';
import { BridgeError, type Reason } from '../errors.js';
import { within, type Deadline } from '../lifecycle.js';
import type { Logger } from '../log.js';
import type { NoteEvent } from '../messages/bridge-event.js';
import type { DeliveryIntake } from './accept-uplink.js';
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
}

/** Carries one connection's outbox to its publisher: in order for each device, devices beside each other. */
export interface Delivery extends DeliveryIntake {
  readonly listener: PublisherListener;
  /** Starts with what the outbox holds. */
  start(publisher: Publisher): void;
  /** Sets who says which devices may be published, or nobody; devices that had to wait are asked about again. */
  gate(gate: DeviceGate | undefined): void;
  /** Set while nothing at all is allowed on the connection: since when, epoch ms. */
  heldSince(): number | undefined;
  /** Sends nothing more, waits for the PUBACKs under way, settles them. */
  stop(deadline: Deadline): Promise<void>;
}

/** Pause before the outbox is read again when it could not be read, or did not show yet what was appended, ms. */
const rereadMs = 500;

/** Records read from the outbox at a time. */
const readAhead = { records: 1_024, bytes: 8 * 1024 * 1024 };

export const createDelivery = ({ connectionId, outbox, metrics, note, logger, expired: whatOfExpired = () => 'drop' }: DeliveryOptions): Delivery => {
  const lanes = createLanes();
  const trials = createTrials();
  const attempts = new Map<number, number>();
  const pauses = new Set<NodeJS.Timeout>();
  const direct = createDirectPublishes(connectionId, metrics);
  const settlements = createSettlements({ connectionId, outbox, metrics, logger });
  let publisher: Publisher | undefined;
  let gate: DeviceGate | undefined;
  let inFlight = 0;
  let cursor = 0;
  let newest = 0;
  let tailLoaded = false;
  let alone: number | undefined;
  let scheduled = false;
  let stopping = false;
  let drained: () => void = () => undefined;

  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(turn);
  };

  /** One event-loop turn: what was settled goes to the store in one write, then what is ready goes to AWS. */
  const turn = (): void => {
    scheduled = false;
    settlements.flush();
    if (stopping || publisher === undefined) return;
    try {
      if (trials.cautious) publishOneAlone(publisher);
      else publishReady(publisher);
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      logger.warn({ connection_id: connectionId, reason: error.reason, detail: error.message }, 'the outbox cannot be read, trying again');
      later(rereadMs, schedule);
    }
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

  /** @throws BridgeError while the store cannot be read; the positions stay noted */
  const refill = (wanted: number[]): void => {
    try {
      lanes.refill(outbox.readSome(connectionId, wanted), wanted);
    } catch (error) {
      lanes.unread();
      throw error;
    }
  };

  /** Tops the lanes up from the store, one read a turn; live messages skip the store while the lanes hold the whole backlog. */
  const readBacklog = (): void => {
    const wanted = lanes.wanted(readAhead.records);
    if (wanted.length > 0) refill(wanted);
    if (tailLoaded || lanes.full || lanes.loaded > readAhead.records * 2) return;
    const records = outbox.read(connectionId, cursor, readAhead.records, readAhead.bytes);
    for (const record of records) {
      if (!lanes.add(record)) return;
      cursor = record.seq;
    }
    if (records.length > 0) return schedule();
    tailLoaded = cursor >= newest;
    if (!tailLoaded) later(rereadMs, schedule);
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
    readBacklog();
    for (let record = lanes.peek(); record !== undefined; record = lanes.peek()) {
      if (settledUnpublished(record)) continue;
      if (!to.publish(record)) return to.demand(lanes.ready);
      lanes.take();
      alone = undefined;
      inFlight += 1;
      if (lanes.ready === 0) readBacklog();
    }
  };

  const publishOneAlone = (to: Publisher): void => {
    if (inFlight > 0) return;
    readBacklog();
    let idle = lanes.peek();
    while (idle !== undefined && settledUnpublished(idle)) idle = lanes.peek();
    const record = trials.next(idle);
    if (record === undefined) return later(trials.waitMs(), schedule);
    if (!to.publishAlone(record)) return to.demand(1);
    if (record === idle) lanes.take();
    alone = record.seq;
    inFlight += 1;
  };

  const later = (ms: number, run: () => void): void => {
    const timer = setTimeout(() => {
      pauses.delete(timer);
      run();
    }, ms);
    pauses.add(timer);
  };

  const retryLater = (record: OutboxRecord): void => {
    const failures = attempts.get(record.seq) ?? 0;
    attempts.set(record.seq, failures + 1);
    if (trials.undecided(record)) return schedule();
    later(backoffMs(publishBackoff, failures), () => {
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
      if (inFlight === 0) drained();
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
      for (const record of records) {
        newest = Math.max(newest, record.seq);
        if (!tailLoaded || record.seq <= cursor) continue;
        if (lanes.add(record)) cursor = record.seq;
        else tailLoaded = false;
      }
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
      const mustWait = stopping || !tailLoaded || trials.cautious || lanes.has(record.deviceId) || (gate?.admit(record.deviceId).kind ?? 'go') !== 'go';
      const sent = publisher === undefined || mustWait ? undefined : direct.send(record, publisher);
      if (sent === undefined) return Promise.reject(new BridgeError('store_unavailable'));
      inFlight += 1;
      lanes.occupy(sent.record);
      return sent.acknowledged;
    },
    heldSince: () => trials.heldSince,
    async stop(deadline) {
      stopping = true;
      for (const timer of pauses) clearTimeout(timer);
      if (inFlight > 0) await within(deadline, new Promise<void>((resolve) => (drained = resolve)));
      settlements.flush();
      await within(deadline, settlements.written());
    },
  };
};
