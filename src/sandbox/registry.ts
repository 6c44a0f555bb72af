import { createHash, randomUUID, X509Certificate } from 'node:crypto';
import { iotArn } from './arn.js';
import { BridgeError } from '../errors.js';
import { combine, compilePolicy, type Policy, type PolicyDecision, type PolicyRequest } from './policy.js';
import { createPolicyStore, type PolicyStore } from './policy-store.js';

export const certificateStatuses = ['ACTIVE', 'INACTIVE', 'REVOKED'] as const;
export type CertificateStatus = (typeof certificateStatuses)[number];

export interface RegisterOptions {
  /** Default ACTIVE. */
  readonly status?: CertificateStatus;
  /** IoT policies in AWS's JSON; a certificate without one may do nothing. */
  readonly policies?: readonly unknown[];
  /** SNI_ONLY: registered without its CA. Default DEFAULT. */
  readonly mode?: 'DEFAULT' | 'SNI_ONLY';
}

/** What the registry keeps of a certificate. */
export interface CertificateRecord {
  readonly id: string;
  readonly sequence: number;
  readonly pem: string;
  readonly mode: 'DEFAULT' | 'SNI_ONLY';
  readonly status: CertificateStatus;
  readonly generationId: string;
  readonly createdAt: Date;
  readonly changedAt: Date;
  /** Names of the policies that are attached to it, in the order of their attachment. */
  readonly policies: ReadonlySet<string>;
}

/** The certificates and IoT policies that the broker knows, as AWS IoT Core's registry keeps them. */
export interface Registry {
  readonly policies: PolicyStore;
  /** Registers a certificate (PEM or DER), or replaces what is registered for it; returns its certificate id. */
  register(certificate: string | Buffer, options?: RegisterOptions): string;
  certificate(certificateId: string): CertificateRecord | undefined;
  /** In the order of their registration. */
  certificates(): Iterable<CertificateRecord>;
  /** Forgets a certificate and closes its connections. */
  remove(certificateId: string): void;
  status(certificateId: string): CertificateStatus | undefined;
  /** @throws BridgeError `config_invalid` for an unknown certificate id. */
  setStatus(certificateId: string, status: CertificateStatus): void;
  /** Replaces the policies of a certificate by new ones, `sandbox-1` and so on; takes effect at once (AWS: within 6 to 8 minutes). @throws BridgeError `config_invalid` */
  setPolicies(certificateId: string, documents: readonly unknown[]): void;
  /** Takes effect at once. @throws BridgeError `config_invalid` for an unknown certificate id. */
  attach(policyName: string, certificateId: string): void;
  detach(policyName: string, certificateId: string): void;
  /** What the certificate's policies say; `none` counts as a refusal. */
  decide(certificateId: string, request: PolicyRequest): PolicyDecision;
  /** Called with the certificate id when a certificate leaves ACTIVE. */
  onInactive(listener: (certificateId: string) => void): void;
}

/** SHA-256 of the DER in 64 lower-case hex digits: what AWS names a certificate by. */
export const certificateIdOf = (certificate: string | Buffer): string => {
  const der = new X509Certificate(certificate).raw;
  return createHash('sha256').update(der).digest('hex');
};

export const certificateArnOf = (certificateId: string): string => iotArn(`cert/${certificateId}`);

interface Entry extends CertificateRecord {
  status: CertificateStatus;
  changedAt: Date;
  readonly policies: Set<string>;
  /** What its policies say together; worked out anew after a change of any policy. */
  combined: { readonly revision: number; readonly policy: Policy } | undefined;
}

const newEntry = (certificate: string | Buffer, sequence: number, { status = 'ACTIVE', mode = 'DEFAULT' }: RegisterOptions): Entry => {
  const now = new Date();
  return {
    id: certificateIdOf(certificate), sequence, pem: new X509Certificate(certificate).toString(), mode, status, generationId: randomUUID(), createdAt: now, changedAt: now, policies: new Set(), combined: undefined,
  };
};

/** An empty registry in memory. */
export const createRegistry = (): Registry => {
  const entries = new Map<string, Entry>();
  const policies = createPolicyStore();
  const listeners: ((certificateId: string) => void)[] = [];
  let registered = 0;
  let namedPolicies = 0;

  const entryOf = (certificateId: string): Entry => {
    const entry = entries.get(certificateId);
    if (entry === undefined) throw new BridgeError('config_invalid', { field: 'certificateId', detail: `${certificateId} is not registered` });
    return entry;
  };

  const nameNew = (document: unknown): string => {
    do namedPolicies += 1;
    while (policies.policies.has(`sandbox-${namedPolicies}`));
    return policies.put(`sandbox-${namedPolicies}`, JSON.stringify(document)).name;
  };

  const replacePolicies = (entry: Entry, documents: readonly unknown[]): void => {
    for (const document of documents) compilePolicy(document); // all are checked before one is changed
    entry.policies.clear();
    entry.combined = undefined;
    for (const document of documents) entry.policies.add(nameNew(document));
  };

  const policyOf = (entry: Entry): Policy => {
    const revision = policies.revision();
    if (entry.combined?.revision !== revision) {
      entry.combined = { revision, policy: combine([...entry.policies].map((name) => policies.policyOf(name))) };
    }
    return entry.combined.policy;
  };

  const tellInactive = (certificateId: string): void => {
    for (const listener of listeners) listener(certificateId);
  };

  return {
    policies,
    register: (certificate, options = {}) => {
      registered += 1;
      const entry = newEntry(certificate, registered, options);
      replacePolicies(entry, options.policies ?? []);
      entries.set(entry.id, entry);
      return entry.id;
    },
    certificate: (certificateId) => entries.get(certificateId),
    certificates: () => entries.values(),
    remove: (certificateId) => {
      if (entries.delete(certificateId)) tellInactive(certificateId);
    },
    status: (certificateId) => entries.get(certificateId)?.status,
    setStatus: (certificateId, status) => {
      Object.assign(entryOf(certificateId), { status, changedAt: new Date() });
      if (status !== 'ACTIVE') tellInactive(certificateId);
    },
    setPolicies: (certificateId, documents) => replacePolicies(entryOf(certificateId), documents),
    attach: (policyName, certificateId) => {
      const entry = entryOf(certificateId);
      entry.policies.add(policyName);
      entry.combined = undefined;
    },
    detach: (policyName, certificateId) => {
      const entry = entries.get(certificateId);
      if (entry?.policies.delete(policyName) === true) entry.combined = undefined;
    },
    decide: (certificateId, request) => {
      const entry = entries.get(certificateId);
      return entry === undefined ? 'none' : policyOf(entry)(request);
    },
    onInactive: (listener) => {
      listeners.push(listener);
    },
  };
};
