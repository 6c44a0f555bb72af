import 'reflect-metadata'; // @peculiar/x509 does not load without it, so it comes first
import { createPublicKey, createPrivateKey, generateKeyPairSync, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** Made once for a test file; all PEM. */
export interface TestCertificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** A key of another pair. */
  readonly otherKey: string;
  /** The key again, under a passphrase. */
  readonly encryptedKey: string;
  readonly publicKey: string;
  /** With `key`; ended yesterday. */
  readonly expired: string;
  /** With `key`; begins tomorrow. */
  readonly future: string;
  /** With `key`; ends in ten days. */
  readonly ending: string;
  /** A CA that ended yesterday. */
  readonly expiredCa: string;
}

const dayMs = 86_400_000;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

const keyPem = (): string => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

const importPair = async (pem: string): Promise<webcrypto.CryptoKeyPair> => {
  const privateKey = createPrivateKey(pem);
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return {
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']),
  };
};

/** Days from now. */
interface Span {
  readonly from: number;
  readonly to: number;
}

export const createTestCertificates = async (): Promise<TestCertificates> => {
  x509.cryptoProvider.set(webcrypto);
  const [key, otherKey, caKey] = [keyPem(), keyPem(), keyPem()];
  const [pair, caPair] = [await importPair(key), await importPair(caKey)];
  const issue = async (name: string, keys: webcrypto.CryptoKeyPair, { from, to }: Span): Promise<string> => {
    const made = await x509.X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: 'CN=Test CA',
      notBefore: new Date(Date.now() + from * dayMs),
      notAfter: new Date(Date.now() + to * dayMs),
      publicKey: keys.publicKey,
      signingKey: caPair.privateKey,
      signingAlgorithm: algorithm,
    });
    return `${made.toString('pem').trim()}\n`;
  };
  return {
    ca: await issue('Test CA', caPair, { from: -1, to: 365 }),
    cert: await issue('bridge', pair, { from: -1, to: 365 }),
    key,
    otherKey,
    encryptedKey: createPrivateKey(key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString(),
    publicKey: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(),
    expired: await issue('bridge', pair, { from: -10, to: -1 }),
    future: await issue('bridge', pair, { from: 1, to: 10 }),
    ending: await issue('bridge', pair, { from: -1, to: 10 }),
    expiredCa: await issue('Test CA', caPair, { from: -10, to: -1 }),
  };
};
