import { BridgeError, type Reason } from '../errors.js';
import { within, type Deadline } from '../lifecycle.js';
import type { Logger } from '../log.js';
import type { NoteEvent } from '../messages/bridge-event.js';
import type { DeliveryIntake } from './accept-uplink.js';
import { createBacklog } from './backlog.js';
import { createDirectPublishes, isDirect } from './direct-publishes.js';
import { createFailedPublishes } from './failed-publishes.js';
import { createLanes } from './lanes.js';
import type { UplinkMetrics } from './metrics.js';
import { createPauses } from './pauses.js';
import type { DeviceGate, Outbox, OutboxRecord, Publisher, PublisherListener, PublishOutcome, Settlement } from './ports.js';
import { createRereads } from './rereads.js';
import { createScreening } from './screening.js';
import { createSettlements } from './settlements.js';
import { parkedEvent } from './uplink-events.js';

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

export const createDelivery = ({ connectionId, outbox, metrics, note, logger, expired = () => 'drop', mayPublish = () => true }: DeliveryOptions): Delivery => {
  let publisher: Publisher | undefined;
  let inFlight = 0;
  /** Position of the record that was published alone last. */
  let alone: number | undefined;
  let fenced: NodeJS.Timeout | undefined;
  let scheduled = false;
  let stopping = false;
  let drained: () => void = () => undefined;

  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(turn);
  };

  const settle = (settlement: Settlement): void => {
    const { record } = settlement;
    failures.forget(record);
    settlements.add(settlement);
    lanes.done(record);
    schedule();
  };

  const park = (record: OutboxRecord, reason: Reason, detail: string): void => {
    logger.warn({ connection_id: connectionId, message_id: record.messageId, network_server: record.networkServerId, reason, detail }, 'message parked');
    note(parkedEvent(record, reason, detail));
    settle({ outcome: 'parked', record, reason, detail });
  };

  const putAway = (): void => {
    alone = undefined;
    failures.clear();
    lanes.clear();
  };

  const lanes = createLanes();
  const pauses = createPauses();
  const backlog = createBacklog({ connectionId, outbox, lanes, schedule, logger });
  const settlements = createSettlements({ connectionId, outbox, metrics, logger });
  const direct = createDirectPublishes(connectionId, metrics);
  const failures = createFailedPublishes({ connectionId, lanes, metrics, note, logger, pauses, schedule, park });
  const screening = createScreening({ lanes, failures, expired, schedule, settle, park });
  const rereads = createRereads({ settlements, backlog, putAway, schedule });

  /** One event-loop turn: what was settled goes to the store in one write, then what is ready goes to AWS. */
  const turn = (): void => {
    scheduled = false;
    settlements.flush();
    if (stopping || publisher === undefined) return;
    if (rereads.due) return inFlight > 0 ? undefined : rereads.begin();
    if (!mayPublish()) fenced ??= pauses.later(fencedMs, unfence);
    else if (failures.trials.cautious) publishOneAlone(publisher);
    else publishReady(publisher);
  };

  const unfence = (): void => {
    fenced = undefined;
    schedule();
  };

  /** The oldest record of the next lane that may be published now. */
  const nextReady = (): OutboxRecord | undefined => {
    let record = lanes.peek();
    while (record !== undefined && screening.keepsBack(record)) record = lanes.peek();
    return record;
  };

  const publishReady = (to: Publisher): void => {
    backlog.top();
    for (let record = nextReady(); record !== undefined; record = nextReady()) {
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
    const { trials } = failures;
    const idle = nextReady();
    const record = trials.next(idle);
    if (record === undefined) return void pauses.later(trials.waitMs(), schedule);
    if (!to.publishAlone(record)) return to.demand(1);
    if (record === idle) lanes.take();
    alone = record.seq;
    inFlight += 1;
  };

  const delivered = (record: OutboxRecord): void => {
    failures.acknowledged(record);
    if (logger.isLevelEnabled('debug')) logger.debug({ connection_id: connectionId, message_id: record.messageId }, 'message delivered');
    settle({ outcome: 'delivered', record });
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
      else if (rereads.outdates(record)) schedule();
      else if (outcome.kind === 'acknowledged') delivered(record);
      else failures.failed(record, outcome, alone === record.seq);
      if (inFlight > 0) return;
      drained();
      if (rereads.due) schedule();
    },
    room: schedule,
    unreachable: () => failures.trials.forgive(),
  };

  /** Nothing of the device waits, or has to. */
  const mayGoDirectly = (deviceId: string): boolean => !stopping && !rereads.due && backlog.whole && !failures.trials.cautious && !lanes.has(deviceId) && screening.admits(deviceId);

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
    more() {
      backlog.more();
      schedule();
    },
    publishDirectly(record) {
      const sent = publisher !== undefined && mayGoDirectly(record.deviceId) ? direct.send(record, publisher) : undefined;
      if (sent === undefined) return Promise.reject(new BridgeError('store_unavailable'));
      inFlight += 1;
      lanes.occupy(sent.record);
      return sent.acknowledged;
    },
    allow: (topic) => failures.trials.allow(topic),
    gate: (next) => screening.gate(next),
    restart: (position) => rereads.restart(position),
    reread: (lost) => rereads.ask(lost),
    heldSince: () => failures.trials.heldSince,
    async stop(deadline) {
      stopping = true;
      pauses.end();
      backlog.stop();
      if (inFlight > 0) await within(deadline, new Promise<void>((resolve) => (drained = resolve)));
      settlements.flush();
      await within(deadline, settlements.written());
    },
  };
};
