import { isDeepStrictEqual } from 'node:util';
import { createAwsConnection, type AwsConnection, type AwsConnectionOptions, type ConnectionStatus } from '../aws/aws-connection.js';
import type { AwsMetrics } from '../aws/metrics.js';
import type { ConnectGate } from '../aws/connect-gate.js';
import { createSubscriber, type Subscriber, type SubscriberOptions } from '../aws/subscriber.js';
import type { SubscriberMetrics } from '../aws/subscriber-metrics.js';
import type { ConnectionConfig } from '../config/connection.js';
import type { BridgeConfig } from '../config/schema.js';
import type { ReceiveDownlink } from '../downlink/ports.js';
import { BridgeError } from '../errors.js';
import { createInTurn } from '../in-turn.js';
import { deadlineIn, type Deadline } from '../lifecycle.js';
import type { Logger } from '../log.js';
import type { DownlinkSigning } from '../network-servers/downlink-client.js';
import type { NoteEvent } from '../messages/bridge-event.js';
import type { DeliveryIntake } from '../uplink/accept-uplink.js';
import { createDelivery, type Delivery } from '../uplink/deliver-uplink.js';
import { createLowRateAlarms, type LowRateAlarms } from '../uplink/low-rate-alarm.js';
import type { UplinkMetrics } from '../uplink/metrics.js';
import type { Outbox } from '../uplink/ports.js';
import { alarmsOf } from './alarm-options.js';
import { awsSettings, clientIds, connectWith, signingOf, subscriberSettings, type Plain } from './connection-options.js';
import { createEventNotes } from './connection-events.js';
import { identityGate, type Identity } from './identity.js';
import { createLineThings, type LineThings, type LineThingsDeps } from './line-things.js';

/** What all lines share. */
export interface LineDeps extends LineThingsDeps {
  readonly bridge: Pick<BridgeConfig, 'dataDir' | 'redis'>;
  readonly identity: Identity;
  readonly outbox: Outbox;
  readonly receive: ReceiveDownlink;
  /** Lets the sessions of all connections connect a few at a time. */
  readonly gate: ConnectGate;
  readonly note: NoteEvent;
  readonly metrics: { readonly uplinks: UplinkMetrics; readonly aws: AwsMetrics; readonly subscriber: SubscriberMetrics } & LineThingsDeps['metrics'];
  readonly logger: Logger;
}

/** What runs while a connection is active. */
interface Running {
  /** What its sessions were opened with. */
  settings: Plain<AwsConnectionOptions>;
  readonly delivery: Delivery;
  readonly aws: AwsConnection;
}

/** What takes its downlinks. */
interface Receiving {
  settings: Plain<SubscriberOptions>;
  readonly subscriber: Subscriber;
}

/** One connection with everything that belongs to it: its delivery, its sessions, its subscription, its devices' registration, its alarms. */
export interface Line {
  readonly id: string;
  readonly config: ConnectionConfig;
  readonly intake: DeliveryIntake;
  readonly alarms: LowRateAlarms;
  readonly things: LineThings;
  /** Undefined while it is paused and all its sessions have ended. */
  aws(): ConnectionStatus | undefined;
  downlinks(): ReturnType<Subscriber['status']> | undefined;
  heldSince(): number | undefined;
  /** Epoch ms at which it was last made active. */
  startedAt(): number | undefined;
  /** Epoch ms of the last change of its configuration. */
  changedAt(): number;
  /** What its downlinks are signed with, in place of the network server's own. */
  signing(): DownlinkSigning | undefined;
  /** Makes the connection what is configured now, without touching what stays as it is. Changes are made one after the other. */
  apply(config: ConnectionConfig): Promise<void>;
  /** Opens its sessions anew under the client ids of the slot that is held now. */
  reslot(): Promise<void>;
  /** See `Delivery`. */
  more(): void;
  restart(position: number): void;
  reread(lost: boolean): void;
  /** Takes no more downlinks. */
  stopReceiving(deadline: Deadline): Promise<void>;
  stop(deadline: Deadline): Promise<void>;
}

/** How long publishes and downlinks under way may take when a connection is paused or its endpoint changes, ms. */
const settleMs = 10_000;

export const createLine = (first: ConnectionConfig, deps: LineDeps): Line => {
  const { id } = first;
  const { outbox, metrics, identity, bridge } = deps;
  const inTurn = createInTurn();
  const notes = createEventNotes(id, deps.note);
  const things = createLineThings(id, deps);
  let config = first;
  const gate = identityGate(deps.gate, identity, (slot) => clientIds(config, slot));
  let alarms = createLowRateAlarms(alarmsOf(first));
  let running: Running | undefined;
  let ending: Running | undefined;
  let receiving: Receiving | undefined;
  let startedAt: number | undefined;
  let changedAt = Date.now();
  let stopped = false;

  const startUplinks = (): void => {
    const settings = awsSettings(config, identity.slot());
    const delivery = createDelivery({ connectionId: id, outbox, metrics: metrics.uplinks, note: deps.note, logger: deps.logger, expired: () => config.configuration.expiredUplinks, mayPublish: () => identity.mayPublish() });
    const aws = createAwsConnection(connectWith(settings), { listener: delivery.listener, metrics: metrics.aws, logger: deps.logger, gate, onStatus: notes.connection });
    running = { settings, delivery, aws };
    delivery.gate(things.gate());
    aws.start();
    delivery.start(aws.publisher);
    startedAt = Date.now();
  };

  const stopUplinks = async (deadline: Deadline): Promise<void> => {
    if (running === undefined) return;
    ending = running;
    running = undefined;
    startedAt = undefined;
    await ending.delivery.stop(deadline);
    await ending.aws.stop(deadline);
    ending = undefined;
  };

  const startDownlinks = (settings: Plain<SubscriberOptions>): void => {
    const subscriber = createSubscriber(connectWith(settings), { receive: deps.receive, metrics: metrics.subscriber, logger: deps.logger, gate, onStatus: notes.downlinks });
    receiving = { settings, subscriber };
    subscriber.start();
  };

  const stopDownlinks = async (deadline: Deadline): Promise<void> => {
    const ending = receiving;
    receiving = undefined;
    await ending?.subscriber.stop(deadline);
  };

  const changeUplinks = async (): Promise<void> => {
    if (!config.active) return stopUplinks(deadlineIn(settleMs));
    if (running === undefined) return startUplinks();
    const settings = awsSettings(config, identity.slot());
    if (isDeepStrictEqual(running.settings, settings)) return;
    running.settings = settings;
    await running.aws.replace(connectWith(settings));
  };

  const changeDownlinks = async (): Promise<void> => {
    const settings = subscriberSettings(config, bridge, identity.slot());
    if (settings === undefined) return stopDownlinks(deadlineIn(settleMs));
    if (receiving === undefined) return startDownlinks(settings);
    if (isDeepStrictEqual(receiving.settings, settings)) return;
    receiving.settings = settings;
    await receiving.subscriber.replace(connectWith(settings));
  };

  const changeSessions = (): Promise<unknown> => Promise.all([changeUplinks(), changeDownlinks()]);

  const change = async (next: ConnectionConfig): Promise<void> => {
    if (stopped) return;
    const before = config;
    config = next;
    changedAt = Date.now();
    if (!isDeepStrictEqual(before.alarms, next.alarms)) alarms = createLowRateAlarms(alarmsOf(next));
    if (await things.apply(next)) running?.delivery.gate(things.gate());
    await changeSessions();
  };

  return {
    id,
    get config() {
      return config;
    },
    intake: {
      appended: (records) => running?.delivery.appended(records),
      allow: (topic) => running?.delivery.allow(topic),
      publishDirectly: (record) => running?.delivery.publishDirectly(record) ?? Promise.reject(new BridgeError('store_unavailable')),
      accepted(message) {
        if (message.type === 'uplink') alarms.uplink();
        things.seen(message);
      },
    },
    get alarms() {
      return alarms;
    },
    things,
    aws: () => (running ?? ending)?.aws.status(),
    downlinks: () => receiving?.subscriber.status(),
    heldSince: () => running?.delivery.heldSince(),
    startedAt: () => startedAt,
    changedAt: () => changedAt,
    signing: () => signingOf(config),
    apply: (next) => inTurn(id, () => change(next)),
    reslot: () =>
      inTurn(id, async () => {
        if (!stopped) await changeSessions();
      }),
    more: () => running?.delivery.more(),
    restart: (position) => running?.delivery.restart(position),
    reread: (lost) => running?.delivery.reread(lost),
    async stopReceiving(deadline) {
      stopped = true;
      await stopDownlinks(deadline);
    },
    async stop(deadline) {
      stopped = true;
      await stopDownlinks(deadline);
      await things.stop(deadline);
      await stopUplinks(deadline);
    },
  };
};
