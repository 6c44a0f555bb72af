import 'reflect-metadata'; // @peculiar/x509 does not load without it, so it comes first
import * as x509 from '@peculiar/x509';
import { createPrivateKey, webcrypto } from 'node:crypto';

/** A certificate and its private key (PKCS#8), both PEM. */
export interface IssuedCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

export type CertificateKind = 'ca' | 'server' | 'client';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 86_400_000;
const lifetimeMs = 3650 * dayMs;

const serverNames = new x509.SubjectAlternativeNameExtension([
  { type: 'dns', value: 'localhost' },
  { type: 'ip', value: '127.0.0.1' },
  { type: 'ip', value: '::1' },
]);

const usage = {
  ca: () => [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
  ],
  server: () => [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    serverNames,
  ],
  client: () => [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
  ],
} satisfies Record<CertificateKind, () => x509.Extension[]>;

const toPem = (label: string, der: ArrayBuffer): string => {
  const lines = Buffer.from(der).toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
};

const importSigningKey = async (pem: string): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey('pkcs8', createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' }), algorithm, false, ['sign']);

/** Validity begins a day back, for clients whose clock is behind. */
const validity = (): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(Date.now() - dayMs),
  notAfter: new Date(Date.now() + lifetimeMs),
});

const endOf2049 = new Date('2049-12-31T23:59:59Z');

/** A client certificate of the CA for a key that somebody else holds, valid as long as those that AWS makes. PEM. */
export const signClientCertificate = async (ca: IssuedCertificate, subject: string, publicKey: x509.PublicKey): Promise<string> => {
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: new x509.X509Certificate(ca.certificate).subjectName,
    notBefore: validity().notBefore,
    notAfter: endOf2049,
    publicKey,
    signingKey: await importSigningKey(ca.privateKey),
    signingAlgorithm: algorithm,
    extensions: [...usage.client(), await x509.SubjectKeyIdentifierExtension.create(publicKey)],
  });
  return `${certificate.toString('pem').trim()}\n`;
};

/** Makes an ECDSA P-256 certificate, valid for ten years; signed by itself when no issuer is given. */
export const issueCertificate = async (kind: CertificateKind, commonName: string, issuer?: IssuedCertificate): Promise<IssuedCertificate> => {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const subject = [{ CN: [commonName] }];
  const certificate = await x509.X509CertificateGenerator.create({
    subject: new x509.Name(subject),
    issuer: issuer === undefined ? new x509.Name(subject) : new x509.X509Certificate(issuer.certificate).subjectName,
    ...validity(),
    publicKey: keys.publicKey,
    signingKey: issuer === undefined ? keys.privateKey : await importSigningKey(issuer.privateKey),
    signingAlgorithm: algorithm,
    extensions: [...usage[kind](), await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)],
  });
  return {
    certificate: `${certificate.toString('pem').trim()}\n`,
    privateKey: toPem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)),
  };
};
