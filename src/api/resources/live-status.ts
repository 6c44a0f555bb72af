import type { ConnectionConfig } from '../../config/connection.js';
import type { Reason } from '../../errors.js';
import type { BridgeEvent, EventSubject } from '../../messages/bridge-event.js';
import type { CheckStep, Page, PageRequest } from '../ports.js';

/** As ThingPark X IoT Flow calls them. */
export const connectionStates = ['OPENING', 'OPENED', 'CLOSED', 'AUTHENTICATING', 'AUTHENTICATION_FAILED', 'UNREACHABLE', 'DEACTIVATED'] as const;
export type ShownConnectionState = (typeof connectionStates)[number];

/** A failure, with its time in epoch ms. */
export interface LiveError {
  readonly reason: Reason;
  readonly detail?: string;
  readonly time: number;
}

/** What a connection does at this moment. */
export interface ConnectionLive {
  readonly state: ShownConnectionState;
  /** Epoch ms of the last change of state. */
  readonly since: number;
  /** Epoch ms of the last time it was opened; absent while it never was. */
  readonly startupTime?: number;
  readonly lastError?: LiveError;
  readonly pending: { readonly messages: number; readonly bytes: number };
  /** MQTT sessions that are open. */
  readonly sessions: number;
  /** Messages that AWS has not acknowledged yet. */
  readonly inFlight: number;
  /** Sessions opened since the daemon started. */
  readonly connects: number;
  /** The session that takes downlinks; absent where none are taken. */
  readonly downlinks?: { readonly state: ShownConnectionState; readonly since: number; readonly lastError?: LiveError };
  /** Registration of devices; absent where it is off. */
  readonly things?: { readonly pending: number; readonly failing?: LiveError };
}

/** What a network server does at this moment. */
export interface NetworkServerLive {
  /** Epoch ms of its last accepted webhook since the daemon started. */
  readonly lastMessageAt?: number;
  /** Its downlink API; absent where it has none. */
  readonly downlinks?: { readonly state: 'ok' | 'failing'; readonly lastError?: LiveError };
}

/** The least policies for exactly one configuration, as AWS takes them. */
export interface LeastPolicies {
  /** Of the certificate; absent for a connection that signs with AWS credentials. */
  readonly iot?: object;
  /** Of the AWS credentials; absent where none are used. */
  readonly iam?: object;
}

/** What became of the things of a connection. */
export interface ThingsSync {
  /** False: it was only looked, nothing changed. */
  readonly applied: boolean;
  /** How many were found in each condition: `ready`, `missing`, `foreign`, … */
  readonly counts: Readonly<Record<string, number>>;
  /** The things that are not as they should be, at most 1,000. */
  readonly things: readonly { readonly thingName: string; readonly deviceId?: string; readonly state: string; readonly detail?: string }[];
}

/** What runs, as the routes of the resources need it; the app implements it. */
export interface LiveStatus {
  /** Undefined: it does not run (yet). */
  connection(id: string): ConnectionLive | undefined;
  networkServer(id: string): NetworkServerLive | undefined;
  /** Tries a configuration without keeping it: DNS, TCP, TLS, MQTT, the registry. Never rejects because a step failed. */
  check(config: ConnectionConfig, signal: AbortSignal): Promise<readonly CheckStep[]>;
  policy(config: ConnectionConfig): LeastPolicies;
  /** @throws BridgeError unknown_resource when the connection does not run or registers no devices; registry_forbidden, registry_unreachable, … */
  syncThings(id: string, options: { readonly apply: boolean; readonly signal: AbortSignal }): Promise<ThingsSync>;
  /** @throws BridgeError store_unavailable, redis_unavailable */
  events(subject: EventSubject, page: PageRequest): Promise<Page<BridgeEvent & { readonly id: string }>>;
}
