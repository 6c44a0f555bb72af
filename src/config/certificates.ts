import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { createRecentMap } from '../recent-map.js';
import { wrong } from './field.js';

const beginCertificate = '-----BEGIN CERTIFICATE-----';
const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

const block = /\s*-----BEGIN ([A-Z0-9 ]+)-----([^-:]*)-----END \1-----/g;

/** A block on one line, with spaces or a literal `\n` where line ends were: what is left of a PEM text that went through a form. */
const withLines = (whole: string, label: string, body: string, offset: number): string => {
  if (/^\r?\n/.test(body)) return whole;
  const lines = body.replaceAll(/\s+/g, '').match(/.{1,64}/g) ?? [];
  return [...(offset === 0 ? [] : ['']), `-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
};

/** A PEM text with its line ends back in place. */
export const pemText = (text: string): string => (text.includes('\\n') ? text.replaceAll(/(\\r)?\\n/g, '\n') : text).replaceAll(block, withLines);

/** What a PEM text holds instead of what was asked for. */
const contentOf = (pem: string): string | undefined => {
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(pem)?.[1];
  if (label === undefined) return undefined;
  if (label.endsWith('PRIVATE KEY')) return 'a private key';
  if (label.endsWith('CERTIFICATE REQUEST')) return 'a certificate request';
  if (label.endsWith('PUBLIC KEY')) return 'a public key';
  return label === 'CERTIFICATE' ? 'a certificate' : 'another kind of PEM';
};

/** Reading one takes a quarter of a millisecond, and a list of 200 connections reads 200. */
const recent = createRecentMap<X509Certificate>(512);

const parseCertificate = (pem: string): X509Certificate => {
  const known = recent.get(pem);
  if (known !== undefined) return known;
  try {
    const certificate = new X509Certificate(pem);
    recent.set(pem, certificate);
    return certificate;
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

/** All certificates of a CA bundle. @throws BridgeError config_invalid */
export const readCaBundle = (pem: string): X509Certificate[] => {
  readCertificate(pem);
  const blocks = pem.match(certificateBlock);
  return blocks === null ? wrong('is damaged: the PEM certificate cannot be read') : blocks.map(parseCertificate);
};

/** Why nothing can be checked with a CA bundle at this time, or undefined. */
export const bundleProblem = (bundle: readonly X509Certificate[], now = Date.now()): string | undefined =>
  bundle.every((certificate) => Date.parse(certificate.validTo) < now) ? 'holds only expired certificates' : undefined;

const curves: Readonly<Record<string, true>> = { prime256v1: true, secp384r1: true, secp521r1: true };

const keyLabel = (key: KeyObject): string => {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined) return `${key.asymmetricKeyType === 'dsa' ? 'a DSA' : 'an RSA'} key of ${modulusLength} bits`;
  return namedCurve === undefined ? `a key of the type ${key.asymmetricKeyType ?? 'unknown'}` : `an ECC key on ${namedCurve}`;
};

/** The keys that AWS takes of clients (AWS IoT Core developer guide, "X.509 client certificates"), or what is wrong with this one. */
export const keyProblem = ({ publicKey }: X509Certificate): string | undefined => {
  const { modulusLength = 0, namedCurve = '' } = publicKey.asymmetricKeyDetails ?? {};
  const taken = publicKey.asymmetricKeyType?.startsWith('rsa') === true ? modulusLength >= 2_048 : Object.hasOwn(curves, namedCurve);
  return taken ? undefined : `has ${keyLabel(publicKey)}; AWS IoT Core takes RSA of 2048 bits or more, and ECC on P-256, P-384 and P-521`;
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
