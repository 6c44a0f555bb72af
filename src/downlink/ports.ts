import type { Deadline } from '../lifecycle.js';
import type { DeviceAddress, Downlink, DownlinkCause, SubmitOutcome } from '../messages/downlink.js';
import type { DownlinkState, DownlinkStatusFields, NetworkServerKind } from '../messages/message.js';
import type { Reason } from '../errors.js';

/** A device's oldest waiting downlink, handed out to be submitted. */
export interface QueuedDownlink {
  readonly downlink: Downlink;
  /** Attempts that counted before this one. */
  readonly attempts: number;
}

/** The moment of the rate that a downlink has been given. */
export interface Moment {
  /** Monotonic ms. One that cannot leave before needs another moment. */
  readonly leaveBy: number;
  /** To be told when it leaves the process. May be called twice. */
  readonly left: () => void;
}

/** What becomes of a downlink that was handed out: it leaves the queue, or its device waits. `attempts` is what counts from then on. */
export type Verdict = { readonly kind: 'done' } | { readonly kind: 'retry'; readonly afterMs: number; readonly attempts: number };

/** Who takes what the queue hands out. */
export interface QueueWork {
  /**
   * Milliseconds that the downlink must wait because of its network server, not of itself; 0 = none. Asked before anything is
   * taken from the connection's rate, so a dead network server uses none of it.
   */
  holdMs(downlink: Downlink): number;
  /** Never throws. Called for one downlink of a device at a time, in order, at no more than the connection's rate. Without a moment it may leave at any time. */
  submit(queued: QueuedDownlink, moment?: Moment): Promise<Verdict>;
}

/**
 * A change of state that the store made by itself, kept beside the queue until it was reported: nothing is lost when the process ends in between.
 * Taking it from the store twice gives the same status message again, so a consumer can drop the second.
 */
export interface Notice {
  /** Names it to `forget`. */
  readonly key: string;
  readonly downlink: Downlink;
  readonly state: DownlinkState;
  readonly cause?: DownlinkCause;
}

/** How a downlink leaves: `submit` is handed to the work, `mailbox` waits until the device's network collects it. */
export type Delivery = 'submit' | 'mailbox';

export type AddResult = {
  /** `duplicate`: it was added before (within the window) and is not there twice. */
  readonly state: 'stored' | 'duplicate';
  /** Downlinks that this one replaced (`flush`): state `failed`, cause code `downlink_replaced`. */
  readonly notices: readonly Notice[];
};

export interface AddOptions {
  readonly delivery: Delivery;
  /** How long the id is remembered, ms. */
  readonly windowMs: number;
  /** Most downlinks that may wait for the connection. */
  readonly capacity: number;
}

/** What a network that collects downlinks gets for one request. */
export interface Collected {
  readonly downlink?: Downlink;
  /** State `submitted` for what was handed out. Empty when the request came again. */
  readonly notices: readonly Notice[];
}

export interface QueueTotals {
  readonly waiting: number;
  /** Epoch ms of the oldest waiting downlink. */
  readonly oldestReceivedAt?: number;
}

/** The durable, ordered downlinks of all devices, their mailboxes, and when each may leave. */
export interface DownlinkQueue {
  /**
   * Stores at the end of the device's list; with `downlink.flush` what waits there (but not what is being submitted right now) is
   * replaced in the same step. Resolves when durable. What was added before is a duplicate also where there is no room.
   * @throws BridgeError `downlink_queue_full`, `store_unavailable`, `stopping`; then nothing changed
   */
  add(downlink: Downlink, options: AddOptions): Promise<AddResult>;
  /** Begins to hand out. Before, everything only waits. */
  start(work: QueueWork): void;
  /**
   * The answer to one request of a device's network: the oldest valid downlink of its mailbox, which with that counts as submitted and is remembered
   * in `submitted` in the same step. The same request again gets the same answer for `rememberMs`.
   * `again`: the request is known to have come before, so nothing new may be handed out.
   * @throws BridgeError store_unavailable
   */
  collect(request: { readonly deviceId: string; readonly requestId: string; readonly again: boolean; readonly rememberMs: number }): Promise<Collected>;
  /** Takes out everything that waits past its `validUntil` (in the mailboxes too), but not what is being submitted: state `expired`. */
  expire(): Promise<readonly Notice[]>;
  /** Notices that were made more than `olderThanMs` ago and not forgotten. */
  notices(olderThanMs: number): Promise<readonly Notice[]>;
  forget(notices: readonly Notice[]): Promise<void>;
  /** What waits for a device, oldest first, what is being submitted and its mailbox included. @throws BridgeError store_unavailable, redis_unavailable */
  waiting(deviceId: string): Promise<readonly QueuedDownlink[]>;
  /** Takes out what waits for a device (its mailbox too), but not what is being submitted: state `failed`, cause code `downlink_deleted`. @throws as `waiting` */
  clear(deviceId: string): Promise<readonly Notice[]>;
  totals(connectionId: string): Promise<QueueTotals>;
  /** Downlinks that may leave in this second beyond those that left in the last one. */
  headroom(connectionId: string): Promise<number>;
}

/** A downlink that the network server has, and about which it may still report. */
export interface SubmittedDownlink {
  readonly downlink: Downlink;
  /** Ids by which the network server's events may name it. */
  readonly ids: readonly string[];
  /** Epoch ms. */
  readonly submittedAt: number;
  readonly attempts: number;
  /** The last state that was reported. */
  readonly state: DownlinkState;
}

/** A report about a downlink that could not be matched when it came. */
export interface EarlyReport {
  readonly networkServerId: string;
  readonly fields: DownlinkStatusFields;
}

/**
 * Reports that came before it was known by which ids their network server names their downlink: another process submits it, and has not noted the answer yet.
 * At most 16 are kept for a downlink, for an hour; what is known of it beside them stays as it is. @throws BridgeError store_unavailable
 */
export interface EarlyReports {
  /**
   * Gives those of the device's downlinks in whose record one of the ids stands; the report is kept only where there is none, for the downlink whose turn it is and
   * for those that were submitted last. Both in one step, so that who notes an answer later finds the report. The same one is kept once.
   */
  keep(report: EarlyReport, ids: readonly string[]): Promise<readonly SubmittedDownlink[]>;
  /** What is kept for a downlink, in the order in which it came. */
  of(downlinkId: string): Promise<readonly EarlyReport[]>;
  forget(downlinkId: string, reports: readonly EarlyReport[]): Promise<void>;
}

/** Remembers what was submitted for as long as reports may come. At most 64 for a device: the oldest go first. */
export interface SubmittedDownlinks {
  /** Adds, or replaces the one with the same downlink id. */
  put(submitted: SubmittedDownlink): Promise<void>;
  /** Those of a device, in the order in which they were first put. */
  of(deviceId: string): Promise<readonly SubmittedDownlink[]>;
  /** What is kept of its reports goes too. */
  remove(deviceId: string, downlinkId: string): Promise<void>;
  /** Resolves when no other process submits to the device, at the latest after `limitMs`. Absent where there is no other. */
  quiet?(deviceId: string, limitMs: number): Promise<void>;
  /** Absent where there is no other process. */
  readonly early?: EarlyReports;
}

/** Where a device was last heard. */
export interface DeviceRecord {
  readonly deviceId: string;
  readonly networkServerId: string;
  /** Connections that its messages go to; only they may command it. Sorted. */
  readonly connectionIds: readonly string[];
  readonly address: DeviceAddress;
}

/** The latest message of a device. */
export interface DeviceActivity {
  /** Epoch ms. */
  readonly lastSeenAt: number;
  readonly fCnt?: number;
}

/** A device with its latest message, which after an unclean end of the process may be a minute behind. */
export type SeenDevice = DeviceRecord & Partial<DeviceActivity>;

/** Which devices are meant; a key that is absent means any. */
export interface DeviceFilter {
  readonly networkServerId?: string;
  readonly connectionId?: string;
}

/** The memory of devices. A record is written only when something in it changes; activity is gathered and written about once a minute. */
export interface Devices {
  /** Notes that a device was heard. Returns at once and never throws: what cannot be written now is written later. */
  heard(record: DeviceRecord, activity?: DeviceActivity): void;
  /** @throws BridgeError store_unavailable */
  find(deviceId: string): Promise<SeenDevice | undefined>;
  /** Devices in a fixed order, a page at a time; `after` is the `next` of the page before. @throws BridgeError store_unavailable, redis_unavailable */
  list(filter: DeviceFilter, page: { readonly after?: string; readonly limit: number }): Promise<{ readonly devices: readonly SeenDevice[]; readonly next?: string }>;
}

/** One change of state of a downlink. */
export interface DownlinkStep {
  readonly state: DownlinkState;
  /** Epoch ms. */
  readonly time: number;
  readonly attempt: number;
  readonly cause?: DownlinkCause;
}

/** The life of a downlink so far. */
export interface DownlinkLife {
  readonly downlinkId: string;
  readonly connectionId: string;
  readonly deviceId: string;
  readonly correlationId?: string;
  readonly networkServerId?: string;
  /** In the order in which they were noted; at most the last 64. */
  readonly steps: readonly DownlinkStep[];
}

/** Remembers what became of downlinks, for a day after their last change. */
export interface DownlinkLives {
  /** Adds a step; a second one with the same state and attempt changes nothing. Written soon; never throws. */
  note(life: Omit<DownlinkLife, 'steps'>, step: DownlinkStep): void;
  /** @throws BridgeError store_unavailable, redis_unavailable */
  find(downlinkId: string): Promise<DownlinkLife | undefined>;
}

/** What is wrong with a store, for health: `undefined` when all is well. */
export interface StoreProblem {
  readonly reason: Reason;
  readonly detail: string;
  /** Epoch ms. */
  readonly since: number;
}

/** Both adapters (local and Redis) give these ports together. */
export interface DownlinkStore {
  readonly queue: DownlinkQueue;
  readonly submitted: SubmittedDownlinks;
  readonly devices: Devices;
  readonly lives: DownlinkLives;
  problem(): StoreProblem | undefined;
  /** Hands out nothing more, waits for what is being submitted, writes what is still to be written. */
  close(deadline: Deadline): Promise<void>;
}

/** One network server as downlinks need it. */
export interface DownlinkTarget {
  readonly id: string;
  readonly kind: NetworkServerKind;
  readonly delivery: Delivery;
  /** Whether a second waiting downlink of a mailbox replaces the first. */
  readonly newestWins: boolean;
  /** Most attempts that count. */
  readonly maxAttempts: number;
  /** Waiting time between attempts. */
  readonly backoff: { readonly minMs: number; readonly maxMs: number };
  /** What to do when the outcome is unknown. */
  readonly onUnknown: 'retry' | 'fail';
  /** @throws BridgeError `invalid_field` or `downlink_unsupported`, naming the field, when this network server can never take it */
  check(downlink: Downlink): void;
  /** Ids of the bridge's making by which events will name the downlink; empty where only the network server makes ids. */
  idsOf(downlink: Downlink): readonly string[];
  /** One attempt. Never throws; bounded by the network server's timeout. Absent where downlinks are collected. */
  submit?(downlink: Downlink, address: DeviceAddress): Promise<SubmitOutcome>;
  /** Whether the network server can still report after this state, so that it is not final yet. */
  reportsAfter(state: 'submitted' | 'sent', downlink: Downlink): boolean;
}

/** Takes the bridge's own status messages into the durable outbox. */
export interface StatusOutlet {
  /**
   * Resolves when durable. The same `key` again (within the outbox's window) is dropped.
   * @throws BridgeError outbox_full, store_unavailable, stopping
   */
  publish(status: { readonly connectionId: string; readonly networkServer?: Downlink['networkServer']; readonly fields: DownlinkStatusFields; readonly key: string }): Promise<void>;
}

/** One message of an AWS subscription. */
export interface IncomingDownlink {
  readonly connectionId: string;
  readonly topic: string;
  readonly payload: Buffer;
}

/** What the subscriber of a connection calls. Resolving means: tell AWS that it is stored. @throws BridgeError when it is not */
export type ReceiveDownlink = (incoming: IncomingDownlink) => Promise<void>;
