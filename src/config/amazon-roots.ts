import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { BridgeError } from '../errors.js';

/**
 * The roots that AWS IoT Core's server certificates chain to (AWS IoT Core, "Server authentication"): Amazon Root CA 1 to 4 and
 * the Starfield root that cross-signed them. They ship inside Node, so no copy of ours can grow old.
 */
const names = ['Amazon Root CA 1', 'Amazon Root CA 2', 'Amazon Root CA 3', 'Amazon Root CA 4', 'Starfield Services Root Certificate Authority - G2'];

const commonName = (pem: string): string => /^CN=(.*)$/m.exec(new X509Certificate(pem).subject)?.[1] ?? '';

let found: readonly string[] | undefined;

/** PEM texts. @throws BridgeError config_invalid where this Node was built without the roots */
export const amazonRoots = (available: readonly string[] = rootCertificates): readonly string[] => {
  if (found !== undefined && available === rootCertificates) return found;
  const roots = available.filter((pem) => names.includes(commonName(pem)));
  const has = (name: string): boolean => roots.some((pem) => commonName(pem) === name);
  if (!has('Amazon Root CA 1') || !has('Amazon Root CA 3')) {
    throw new BridgeError('config_invalid', { detail: 'this Node has no Amazon root certificates; set caCertificate_file to AmazonRootCA1.pem and AmazonRootCA3.pem in one file' });
  }
  if (available === rootCertificates) found = roots;
  return roots;
};
