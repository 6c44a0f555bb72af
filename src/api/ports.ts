import type { Reason } from '../errors.js';
import type { BridgeEvent, EventSubject } from '../messages/bridge-event.js';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export type ResourceKind = 'connection' | 'network-server' | 'flow';

/** A resource as it is kept: the document as it was given, its secrets sealed. */
export interface StoredResource {
  readonly kind: ResourceKind;
  readonly id: string;
  /** Version of the store in which it last changed; makes its ETag. */
  readonly revision: number;
  readonly document: JsonObject;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** All resources at one moment. */
export interface ResourceSnapshot {
  /** Rises by one with every write; 0 = nothing was ever written. */
  readonly version: number;
  readonly resources: readonly StoredResource[];
}

export type ResourceChange =
  | { readonly put: Pick<StoredResource, 'kind' | 'id' | 'document'> }
  | { readonly remove: Pick<StoredResource, 'kind' | 'id'> };

/** Who changed what, kept with the change itself. */
export interface AuditEntry {
  /** Epoch ms. */
  readonly time: number;
  /** Name of the token, or `loopback`. */
  readonly who: string;
  readonly role: Role;
  /** Address that the request came from. */
  readonly from: string;
  /** `create`, `replace`, `merge`, `delete`, `replay`, `clear`, … */
  readonly action: string;
  /** `connection`, `flow`, `parked message`, `device`, … */
  readonly kind: string;
  readonly id: string;
  /** Paths of the keys that changed, never their values. */
  readonly changed: readonly string[];
}

export interface Page<T> {
  readonly entries: readonly T[];
  /** Where the next page begins; absent on the last one. */
  readonly next?: string;
}

/** What is asked of a page: `after` is the `next` of the page before. */
export interface PageRequest {
  readonly after?: string;
  readonly limit: number;
}

/** Connections, network servers and flows that were made through the API, with the audit of their changes. One writer at a time wins. */
export interface ResourceStore {
  /** @throws BridgeError store_unavailable, redis_unavailable */
  read(): Promise<ResourceSnapshot>;
  /**
   * Makes all changes, and keeps the audit entry, or nothing. The new snapshot's version is `version + 1`, which is also the
   * revision of what was put; `createdAt` of what was there stays.
   * @throws BridgeError resource_changed when the store is no longer at `version`; store_unavailable, redis_unavailable
   */
  write(changes: readonly ResourceChange[], version: number, audit: AuditEntry): Promise<ResourceSnapshot>;
  /** Keeps an audit entry for a change of something else. */
  audit(entry: AuditEntry): Promise<void>;
  /** Newest first; at least the last 10,000 are kept. */
  audits(page: PageRequest): Promise<Page<AuditEntry>>;
  /** Called after a change of this process or another replica; may be called without one. Returns what ends the calls. */
  onChange(listener: () => void): () => void;
  close(): Promise<void>;
}

/** The latest events of each connection and network server: at least the last 200 of each, newest first. */
export interface EventLog {
  /** Written soon, not at once; never throws. Another replica's are seen too where the store is shared. */
  note(event: BridgeEvent): void;
  /** Events of one subject, or of all. @throws BridgeError store_unavailable, redis_unavailable */
  events(subject: EventSubject | undefined, page: PageRequest): Promise<Page<BridgeEvent & { readonly id: string }>>;
  close(): Promise<void>;
}

/** `read`: looks; `operate`: also downlinks, parked messages, checks; `admin`: also resources and tokens. */
export type Role = 'read' | 'operate' | 'admin';

/** A bearer token as it is kept: never the token itself. */
export interface StoredToken {
  readonly id: string;
  /** For people, and for the audit. */
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the token, hex. The token has 256 random bits, so a slow hash would add nothing. */
  readonly hash: string;
  /** Epoch ms. */
  readonly createdAt: number;
  /** Epoch ms; absent: until it is removed. */
  readonly expiresAt?: number;
}

/** Tokens; made and removed also by the command line while the daemon runs, which follows within two seconds. */
export interface TokenStore {
  /** @throws BridgeError store_unavailable, redis_unavailable */
  list(): Promise<readonly StoredToken[]>;
  /** By the hash; also expired ones. */
  find(hash: string): Promise<StoredToken | undefined>;
  add(token: StoredToken): Promise<void>;
  /** False: there is none with this id. */
  remove(id: string): Promise<boolean>;
  close(): Promise<void>;
}

/** One step of a dry run, with how it ended and, for a refusal, the permission that is missing. Holds no secret. */
export interface CheckStep {
  /** What was tried, in a few words: `tls`, `create thing`. */
  readonly step: string;
  /** `skipped`: not asked for, or a step before it failed. */
  readonly result: 'ok' | 'failed' | 'skipped';
  readonly durationMs: number;
  readonly reason?: Reason;
  readonly detail?: string;
  /** `iot`: the policy of the certificate; `iam`: that of the AWS credentials. */
  readonly missing?: { readonly policy: 'iot' | 'iam'; readonly action: string; readonly resource: string };
}
