import { X509Certificate } from 'node:crypto';
import { BridgeError } from '../../errors.js';
import type { RegistryClient } from './registry-client.js';

/** How the certificate of a connection is known. */
export interface CertificateReference {
  /** ARN, or the 64 hex digits at its end. */
  readonly certificateId?: string;
  /** PEM. */
  readonly certificate?: string;
}

/** The ARN to which things are attached; undefined for a connection without a certificate. @throws as RegistryClient, registry_refused where AWS does not know the certificate */
export type Principal = () => Promise<string | undefined>;

/** AWS names a certificate by the SHA-256 of its DER form (DescribeCertificate, API Reference). */
const idOf = ({ certificateId, certificate }: CertificateReference): string | undefined => {
  if (certificateId !== undefined && certificateId !== '') return certificateId.toLowerCase();
  return certificate === undefined ? undefined : new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase();
};

const lookUp = async (registry: RegistryClient, id: string): Promise<string> => {
  const arn = await registry.certificateArn(id);
  if (arn === undefined) throw new BridgeError('registry_refused', { detail: `AWS has no certificate ${id} in this account and Region` });
  return arn;
};

/** Asks AWS at most once with success; callers at the same time share the question. */
export const createPrincipal = (registry: RegistryClient, reference: CertificateReference): Principal => {
  const { certificateId } = reference;
  if (certificateId?.startsWith('arn:') === true) return async () => certificateId;
  let asking: Promise<string> | undefined;
  return async () => {
    const id = idOf(reference);
    if (id === undefined) return undefined;
    asking ??= lookUp(registry, id);
    try {
      return await asking;
    } catch (error) {
      asking = undefined;
      throw error;
    }
  };
};
