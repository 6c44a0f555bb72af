import 'reflect-metadata'; // @peculiar/x509 does not load without it, so it comes first
import * as x509 from '@peculiar/x509';
import { generateKeyPair, webcrypto } from 'node:crypto';
import { promisify } from 'node:util';
import { signClientCertificate, type IssuedCertificate } from '../../issue-certificate.js';

/** AWS's certificates: RSA 2048, this subject, valid until the end of 2049. */
const subject = 'CN=AWS IoT Certificate';

export interface KeyPairAnswer {
  readonly certificatePem: string;
  readonly keyPair: { readonly PublicKey: string; readonly PrivateKey: string };
}

const generate = promisify(generateKeyPair);

/** A new RSA key with a certificate of the CA. */
export const issueWithKeys = async (ca: IssuedCertificate): Promise<KeyPairAnswer> => {
  const { publicKey, privateKey } = await generate('rsa', { modulusLength: 2048 });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return {
    certificatePem: await signClientCertificate(ca, subject, new x509.PublicKey(spki)),
    keyPair: { PublicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(), PrivateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString() },
  };
};

/** A certificate for a certificate signing request (PEM); undefined when it cannot be read or its signature does not hold. */
export const issueForRequest = async (ca: IssuedCertificate, csr: string): Promise<string | undefined> => {
  let request: x509.Pkcs10CertificateRequest;
  try {
    request = new x509.Pkcs10CertificateRequest(csr);
    if (!(await request.verify(webcrypto as Parameters<typeof request.verify>[0]))) return undefined;
  } catch {
    return undefined;
  }
  return signClientCertificate(ca, request.subject || subject, request.publicKey);
};
