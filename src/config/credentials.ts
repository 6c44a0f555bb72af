import { BridgeError } from '../errors.js';
import { bundleProblem, certificateFingerprint, keyProblem, pemText, readCaBundle, readCertificate, readPrivateKey, validityProblem } from './certificates.js';
import { field, wrong, type FieldSpec, type Loose, type Report } from './field.js';
import { readText } from './scalars.js';
import { Secret } from './secret.js';

/** Most characters of a PEM text: a chain of certificates is a few KB, a list of CAs of a large company some dozens. */
export const maxPem = 65_536;

const pemJson = { type: 'string', pattern: '-----BEGIN ', maxLength: maxPem };

/** A PEM text, its line ends put right. */
const readPem = (value: unknown): string => pemText(readText(value, maxPem));

/** What a check of the time says of a value that can be read; a value that cannot be is somebody else's to tell. */
const ifReadable =
  (check: (pem: string) => string | undefined) =>
  (value: unknown): string | undefined => {
    try {
      return check(readPem(value));
    } catch (error) {
      if (error instanceof BridgeError) return undefined;
      throw error;
    }
  };

const outdatedCertificate = ifReadable((pem) => validityProblem(readCertificate(pem)));

/** A certificate (chain) in PEM that is valid now. */
export const certificate = (spec: FieldSpec) =>
  field({ form: 'PEM', json: pemJson, ...spec, file: true, pem: true, outdated: outdatedCertificate }, (value): string => {
    const pem = readPem(value);
    readCertificate(pem);
    return pem;
  });

/** A certificate with a key that AWS takes of its clients. */
export const clientCertificate = (spec: FieldSpec) =>
  field({ form: 'PEM', json: pemJson, ...spec, file: true, pem: true, outdated: outdatedCertificate }, (value): string => {
    const pem = readPem(value);
    const problem = keyProblem(readCertificate(pem));
    return problem === undefined ? pem : wrong(problem);
  });

/** A private key in PEM, without a passphrase. */
export const privateKey = (spec: FieldSpec) =>
  field({ form: 'PEM, secret', json: pemJson, ...spec, file: true, pem: true, secret: true }, (value): Secret => {
    const pem = readPem(value);
    readPrivateKey(pem);
    return new Secret(pem);
  });

/** One or more CA certificates in PEM, of which one is valid now. */
export const caBundle = (spec: FieldSpec) =>
  field({ form: 'PEM', json: pemJson, ...spec, file: true, pem: true, outdated: ifReadable((pem) => bundleProblem(readCaBundle(pem))) }, (value): string => {
    const pem = readPem(value);
    readCaBundle(pem);
    return pem;
  });

/** The two halves must belong together; each alone was checked before. */
export const checkPair = ({ certificate: pem, privateKey: key }: Loose, report: Report): void => {
  if (typeof pem !== 'string' || !(key instanceof Secret)) return;
  const matches = readCertificate(pem).checkPrivateKey(readPrivateKey(key.reveal()));
  if (!matches) report(['privateKey'], 'does not belong to the certificate');
};

/** AWS's id of a certificate is the hash of it, so a wrong ARN can be told without asking AWS. */
export const checkCertificateId = ({ certificate: pem, certificateId }: Loose, report: Report): void => {
  if (typeof pem !== 'string' || typeof certificateId !== 'string') return;
  if (!certificateId.endsWith(certificateFingerprint(readCertificate(pem)))) report(['certificateId'], 'is the id of another certificate');
};
