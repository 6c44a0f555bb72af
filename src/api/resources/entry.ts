import { createHash } from 'node:crypto';
import type { Problem } from '../../config/problem.js';
import { readResource } from '../../config/read-resource.js';
import type { SecretBox } from '../../config/secret-box.js';
import { BridgeError, type Reason } from '../../errors.js';
import type { JsonObject, ResourceKind, StoredResource } from '../ports.js';
import type { DeclaredResource } from './declared.js';
import { canonicalText } from './json-object.js';
import { kindRows, type ConfigOf } from './kinds.js';
import { maskSecrets, openSecrets } from './secrets.js';

/** Why a resource that is kept cannot be used. */
export interface Failure {
  /** `secrets_locked`, or `invalid_resource` where this version of the bridge cannot read the document. */
  readonly reason: Reason;
  readonly problems: readonly Problem[];
}

/** A resource of the file or of the store, read once. */
export interface Entry<K extends ResourceKind = ResourceKind> {
  readonly kind: K;
  readonly id: string;
  readonly origin: 'file' | 'api';
  /** What its ETag is made of. */
  readonly revision: string;
  /** Changes exactly when what the document says changes, not when its secrets are sealed anew. */
  readonly fingerprint: string;
  /** With its secrets masked. */
  readonly shown: JsonObject;
  /** Absent where it could not be read. */
  readonly config?: ConfigOf[K];
  readonly failure?: Failure;
  /** Absent for one of the file. */
  readonly stored?: StoredResource;
}

const fingerprintOf = (document: JsonObject): string => createHash('sha256').update(canonicalText(document)).digest('hex').slice(0, 16);

const failureOf = (error: unknown): Failure => {
  if (!(error instanceof BridgeError)) throw error;
  return { reason: error.reason, problems: [{ path: error.field ?? 'body', message: error.detail ?? error.message }] };
};

const openOrFail = (box: SecretBox, { kind, id, document }: StoredResource): JsonObject | Failure => {
  try {
    return openSecrets(box, { kind, id, node: kindRows[kind].node }, document);
  } catch (error) {
    return failureOf(error);
  }
};

const isFailure = (value: JsonObject | Failure): value is Failure => 'reason' in value && 'problems' in value && Array.isArray(value.problems);

/** Reads a stored resource. One that cannot be used is kept with the reason why: it must not break the others. */
export const storedEntry = (stored: StoredResource, box: SecretBox): Entry => {
  const { kind, id, revision, document } = stored;
  const basics = { kind, id, origin: 'api', revision: String(revision), shown: maskSecrets(kindRows[kind].node, document), stored } as const;
  const plain = openOrFail(box, stored);
  if (isFailure(plain)) return { ...basics, fingerprint: fingerprintOf(document), failure: plain };
  // What expired while it was kept is told in its view; it stays known, so that what is meant for it waits for the next certificate.
  const reading = readResource(kind, plain, { allowExpired: true });
  const fingerprint = fingerprintOf(plain);
  return reading.ok ? { ...basics, fingerprint, config: reading.config } : { ...basics, fingerprint, failure: { reason: 'invalid_resource', problems: reading.problems } };
};

/** A resource of the file: it cannot change while the process runs. */
export const declaredEntry = <K extends ResourceKind>(kind: K, { config, shown }: DeclaredResource<K>): Entry<K> => ({
  kind,
  id: config.id,
  origin: 'file',
  revision: 'file',
  fingerprint: `file-${fingerprintOf(shown)}`,
  shown,
  config,
});

/** A network server has no such key: it is always active. */
export const isActive = ({ config, shown }: Pick<Entry, 'config' | 'shown'>): boolean => (config !== undefined && 'active' in config ? config.active : shown['active'] !== false);
