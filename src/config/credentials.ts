import { certificateFingerprint, readCaBundle, readCertificate, readPrivateKey, validityProblem } from './certificates.js';
import { field, wrong, type FieldSpec, type Loose, type Report } from './field.js';
import { readText } from './scalars.js';
import { Secret } from './secret.js';

/** A certificate (chain) in PEM that is valid now. */
export const certificate = (spec: FieldSpec) =>
  field({ form: 'PEM', ...spec, file: true, pem: true }, (value): string => {
    const pem = readText(value);
    const problem = validityProblem(readCertificate(pem));
    return problem === undefined ? pem : wrong(problem);
  });

/** A private key in PEM, without a passphrase. */
export const privateKey = (spec: FieldSpec) =>
  field({ form: 'PEM, secret', ...spec, file: true, pem: true, secret: true }, (value): Secret => {
    const pem = readText(value);
    readPrivateKey(pem);
    return new Secret(pem);
  });

/** One or more CA certificates in PEM. */
export const caBundle = (spec: FieldSpec) =>
  field({ form: 'PEM', ...spec, file: true, pem: true }, (value): string => {
    const pem = readText(value);
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
