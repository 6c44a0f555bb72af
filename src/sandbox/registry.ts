import { createHash, X509Certificate } from 'node:crypto';
import { BridgeError } from '../errors.js';
import { combine, compilePolicy, type Policy, type PolicyDecision, type PolicyRequest } from './policy.js';

export const certificateStatuses = ['ACTIVE', 'INACTIVE', 'REVOKED'] as const;
export type CertificateStatus = (typeof certificateStatuses)[number];

export interface RegisterOptions {
  /** Default ACTIVE. */
  readonly status?: CertificateStatus;
  /** IoT policies in AWS's JSON; a certificate without one may do nothing. */
  readonly policies?: readonly unknown[];
}

/** The certificates that the broker knows, as AWS IoT Core's registry keeps them. */
export interface Registry {
  /** Registers a certificate (PEM or DER), or replaces what is registered for it; returns its certificate id. */
  register(certificate: string | Buffer, options?: RegisterOptions): string;
  status(certificateId: string): CertificateStatus | undefined;
  /** @throws BridgeError `config_invalid` for an unknown certificate id. */
  setStatus(certificateId: string, status: CertificateStatus): void;
  /** Replaces the policies of a certificate; takes effect at once (AWS: within 6 to 8 minutes). @throws BridgeError `config_invalid` */
  setPolicies(certificateId: string, documents: readonly unknown[]): void;
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

/** The sandbox's Region and account are made up, so that its ARNs cannot be taken for real ones. */
export const certificateArnOf = (certificateId: string): string => `arn:aws:iot:sandbox:000000000000:cert/${certificateId}`;

interface Entry {
  status: CertificateStatus;
  policy: Policy;
}

const compileAll = (documents: readonly unknown[]): Policy => combine(documents.map(compilePolicy));

/** An empty registry in memory. */
export const createRegistry = (): Registry => {
  const entries = new Map<string, Entry>();
  const listeners: ((certificateId: string) => void)[] = [];
  const entryOf = (certificateId: string): Entry => {
    const entry = entries.get(certificateId);
    if (entry === undefined) throw new BridgeError('config_invalid', { field: 'certificateId', detail: `${certificateId} is not registered` });
    return entry;
  };
  return {
    register: (certificate, { status = 'ACTIVE', policies = [] } = {}) => {
      const certificateId = certificateIdOf(certificate);
      entries.set(certificateId, { status, policy: compileAll(policies) });
      return certificateId;
    },
    status: (certificateId) => entries.get(certificateId)?.status,
    setStatus: (certificateId, status) => {
      entryOf(certificateId).status = status;
      if (status !== 'ACTIVE') for (const listener of listeners) listener(certificateId);
    },
    setPolicies: (certificateId, documents) => {
      entryOf(certificateId).policy = compileAll(documents);
    },
    decide: (certificateId, request) => entries.get(certificateId)?.policy(request) ?? 'none',
    onInactive: (listener) => {
      listeners.push(listener);
    },
  };
};
