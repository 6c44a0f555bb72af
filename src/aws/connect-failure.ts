import { BridgeError, messageOf, type Reason } from '../errors.js';

/** What is known of a connect attempt that failed. */
export interface FailedConnect {
  readonly error: unknown;
  /** TCP and TLS were through (server side may still refuse the client certificate: TLS 1.3 says so after the handshake). */
  readonly secured: boolean;
  /** The attempt was ended by its own time limit. */
  readonly timedOut: boolean;
}

const codeOf = (error: unknown): string => {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' || typeof error.code === 'number' ? String(error.code) : '';
};

const dnsCodes = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'ENODATA', 'ESERVFAIL']);

/** CONNACK codes: MQTT 5 in the hundreds, MQTT 3.1.1 single digits (MQTT 5.0 3.2.2.2, MQTT 3.1.1 3.2.2.3). */
const certificateConnacks = new Set(['134', '135', '138', '140', '4', '5']);

const isTls = (code: string, text: string): boolean => code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code.startsWith('CERT_') || /self.signed|UNABLE_TO|certificate|altname/i.test(`${code} ${text}`);

const refusesClient = (code: string, text: string): boolean => /alert.*(certificate|unknown.ca|access.denied|handshake.failure)/i.test(`${code} ${text}`.replaceAll('_', ' '));

const reasonOf = ({ error, secured, timedOut }: FailedConnect): Reason => {
  if (timedOut) return 'connect_timeout';
  const code = codeOf(error);
  const text = messageOf(error);
  if (dnsCodes.has(code)) return 'dns_failed';
  if (/^\d+$/.test(code)) return certificateConnacks.has(code) ? 'certificate_refused' : 'connect_refused';
  if (refusesClient(code, text)) return 'certificate_refused';
  if (secured) return 'certificate_refused';
  return isTls(code, text) ? 'tls_failed' : 'endpoint_unreachable';
};

/** Whether the broker says that it does not speak the protocol version that was tried. */
export const refusesVersion = (error: unknown): boolean => codeOf(error) === '132' || codeOf(error) === '1';

/**
 * Names the reason of a failed connect. AWS closes without a word after the handshake when the certificate is unknown, inactive or
 * not allowed to connect, so an end between handshake and CONNACK counts as that.
 */
export const connectFailure = (failed: FailedConnect): BridgeError => {
  const text = messageOf(failed.error);
  const silent = failed.secured && !failed.timedOut && codeOf(failed.error) === '';
  return new BridgeError(reasonOf(failed), { detail: silent ? 'the endpoint closed after the TLS handshake without an answer: is the certificate active, and does its policy allow this client id to connect?' : text, cause: failed.error });
};
