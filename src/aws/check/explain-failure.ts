import { X509Certificate } from 'node:crypto';
import { messageOf } from '../../errors.js';
import type { Endpoint } from '../endpoint.js';

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

/** What Node and OpenSSL say of the server's certificate, in words that name what to change. */
const serverWords: readonly (readonly [RegExp, string])[] = [
  [/ERR_TLS_CERT_ALTNAME_INVALID/, 'the certificate of the server is not for this host name: is the endpoint the right one?'],
  [/^CERT_HAS_EXPIRED/, "the certificate of the server has expired, or this machine's clock is wrong"],
  [/^CERT_NOT_YET_VALID/, "the certificate of the server is not valid yet, or this machine's clock is wrong"],
  [/SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|ISSUER/, 'the certificate of the server does not chain to the trusted roots: is caCertificate the right one?'],
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH|HTTP_REQUEST/, 'what listens there does not speak TLS'],
];

export const explainServer = (error: unknown): string | undefined => {
  const words = serverWords.find(([pattern]) => pattern.test(codeOf(error)))?.[1];
  return words === undefined ? undefined : `${words} (${messageOf(error)})`;
};

const certificateOf = ({ auth }: Endpoint): X509Certificate | undefined => {
  try {
    return auth.kind === 'certificate' ? new X509Certificate(auth.certificate) : undefined;
  } catch {
    return undefined;
  }
};

/** Why the client certificate may have been refused: what can be seen in it, else what only AWS knows. */
export const explainCertificate = (endpoint: Endpoint, now: number = Date.now()): string => {
  const certificate = certificateOf(endpoint);
  if (certificate !== undefined && Date.parse(certificate.validTo) < now) return `the client certificate expired on ${certificate.validTo}`;
  if (certificate !== undefined && Date.parse(certificate.validFrom) > now) return `the client certificate is valid only from ${certificate.validFrom}`;
  return 'the client certificate was refused: it is not registered in this account and region, or not active';
};
