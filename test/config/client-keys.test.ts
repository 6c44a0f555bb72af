import 'reflect-metadata'; // @peculiar/x509 does not load without it, so it comes first
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import t from 'tap';
import { problemLine } from '../../src/config/problem.js';
import { readResource } from '../../src/config/read-resource.js';

x509.cryptoProvider.set(webcrypto);

type Algorithm = webcrypto.RsaHashedKeyGenParams | webcrypto.EcKeyGenParams | { readonly name: 'Ed25519' };

const rsa = (modulusLength: number): Algorithm => ({ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength, publicExponent: new Uint8Array([1, 0, 1]) });
const ecc = (namedCurve: string): Algorithm => ({ name: 'ECDSA', namedCurve });

/** A certificate that signs itself, with its key. */
const selfSigned = async (algorithm: Algorithm): Promise<{ readonly certificate: string; readonly privateKey: string }> => {
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const made = await x509.X509CertificateGenerator.createSelfSigned({ name: 'CN=bridge', keys, signingAlgorithm: { ...algorithm, hash: 'SHA-256' } });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return { certificate: made.toString('pem'), privateKey: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----` };
};

const problems = async (algorithm: Algorithm): Promise<string[]> => {
  const reading = readResource('connection', { id: 'main', connectorId: 'aws-iot', configuration: { endpoint: 'localhost', ...(await selfSigned(algorithm)) } });
  return reading.problems.map(problemLine);
};

const taken = 'AWS IoT Core takes RSA of 2048 bits or more, and ECC on P-256, P-384 and P-521';

void t.test('keys that AWS takes of its clients', async (t) => {
  t.same(await problems(rsa(2_048)), []);
  for (const curve of ['P-256', 'P-384', 'P-521']) t.same(await problems(ecc(curve)), [], curve);
});

void t.test('keys that it does not take', async (t) => {
  t.same(await problems(rsa(1_024)), [`configuration.certificate: has an RSA key of 1024 bits; ${taken}`]);
  t.same(await problems({ name: 'Ed25519' }), [`configuration.certificate: has a key of the type ed25519; ${taken}`]);
});
