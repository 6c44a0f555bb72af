import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { wrong } from './field.js';

const beginCertificate = '-----BEGIN CERTIFICATE-----';
const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** What a PEM text holds instead of what was asked for. */
const contentOf = (pem: string): string | undefined => {
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(pem)?.[1];
  if (label === undefined) return undefined;
  if (label.endsWith('PRIVATE KEY')) return 'a private key';
  if (label.endsWith('CERTIFICATE REQUEST')) return 'a certificate request';
  if (label.endsWith('PUBLIC KEY')) return 'a public key';
  return label === 'CERTIFICATE' ? 'a certificate' : 'another kind of PEM';
};

const parseCertificate = (pem: string): X509Certificate => {
  try {
    return new X509Certificate(pem);
  } catch {
    return wrong('is damaged: the PEM certificate cannot be read');
  }
};

/** The first certificate of a PEM text; the rest of a chain may follow it. @throws BridgeError config_invalid */
export const readCertificate = (pem: string): X509Certificate => {
  if (pem.includes(beginCertificate)) return parseCertificate(pem.slice(pem.indexOf(beginCertificate)));
  const content = contentOf(pem);
  return wrong(content === undefined ? 'must be a certificate in PEM (-----BEGIN CERTIFICATE-----)' : `is ${content}, not a certificate`);
};

/** All certificates of a CA bundle. @throws BridgeError config_invalid; also when each of them has expired */
export const readCaBundle = (pem: string): X509Certificate[] => {
  readCertificate(pem);
  const blocks = pem.match(certificateBlock);
  if (blocks === null) return wrong('is damaged: the PEM certificate cannot be read');
  const bundle = blocks.map(parseCertificate);
  const now = Date.now();
  return bundle.every((certificate) => Date.parse(certificate.validTo) < now) ? wrong('holds only expired certificates') : bundle;
};

const isEncrypted = (pem: string): boolean => pem.includes('BEGIN ENCRYPTED PRIVATE KEY') || pem.includes('Proc-Type: 4,ENCRYPTED');

/** @throws BridgeError config_invalid; the text never holds any of the key */
export const readPrivateKey = (pem: string): KeyObject => {
  const content = contentOf(pem);
  if (isEncrypted(pem)) return wrong('is encrypted; the bridge needs the key without a passphrase');
  if (content === undefined) return wrong('must be a private key in PEM (-----BEGIN PRIVATE KEY-----)');
  const start = pem.search(/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/);
  if (start === -1) return wrong(`is ${content}, not a private key`);
  try {
    return createPrivateKey(pem.slice(start));
  } catch {
    return wrong('is damaged: the PEM private key cannot be read');
  }
};

const dateOf = (text: string): string => new Date(Date.parse(text)).toISOString().replace('.000Z', 'Z');

/** Why a certificate cannot be used at this time, or undefined. */
export const validityProblem = (certificate: X509Certificate, now = Date.now()): string | undefined => {
  if (now > Date.parse(certificate.validTo)) return `expired on ${dateOf(certificate.validTo)}`;
  return now < Date.parse(certificate.validFrom) ? `is not valid before ${dateOf(certificate.validFrom)}` : undefined;
};

const warnBeforeMs = 30 * 86_400_000;

/** The warning for a certificate that ends within 30 days, or undefined. */
export const expiryWarning = (certificate: X509Certificate, now = Date.now()): string | undefined =>
  Date.parse(certificate.validTo) - now < warnBeforeMs ? `expires on ${dateOf(certificate.validTo)}, in less than 30 days` : undefined;

/** One line that tells a certificate from another: `CN=bridge, until 2049-12-31T23:59:59Z`. */
export const certificateLabel = (certificate: X509Certificate): string =>
  `${certificate.subject === '' ? 'no subject' : certificate.subject.replaceAll('\n', ', ')}, until ${dateOf(certificate.validTo)}`;

/** AWS's id of a certificate: SHA-256 of its DER, 64 hex digits. */
export const certificateFingerprint = (certificate: X509Certificate): string => certificate.fingerprint256.replaceAll(':', '').toLowerCase();
