import { BridgeError, messageOf, type BridgeErrorOptions, type Reason } from '../errors.js';
import type { Endpoint } from './endpoint.js';
import { UpgradeRefused } from './open-stream.js';

/** What is known of a connect attempt that failed. */
export interface FailedConnect {
  readonly error: unknown;
  /** TCP and TLS, and the WebSocket where there is one, were through (server side may still refuse the client certificate: TLS 1.3 says so after the handshake). */
  readonly secured: boolean;
  /** The attempt was ended by its own time limit. */
  readonly timedOut: boolean;
  readonly auth: Endpoint['auth']['kind'];
}

/** A connect that failed. */
export class ConnectFailure extends BridgeError {
  /** AWS was reached and does not let in who came: only another certificate, other credentials or another policy helps. */
  readonly refused: boolean;

  constructor(reason: Reason, { refused, ...options }: BridgeErrorOptions & { readonly refused: boolean }) {
    super(reason, options);
    this.refused = refused;
  }
}

const codeOf = (error: unknown): string => {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' || typeof error.code === 'number' ? String(error.code) : '';
};

const dnsCodes = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'ENODATA', 'ESERVFAIL']);

/** CONNACK codes: MQTT 5 in the hundreds, MQTT 3.1.1 single digits (MQTT 5.0 3.2.2.2, MQTT 3.1.1 3.2.2.3). */
const refusingConnacks = new Set(['134', '135', '138', '140', '4', '5']);

/** The upgrade fails with these when the signature, the key or the IAM policy is wrong. */
const refusingStatuses = new Set([401, 403]);

const isTls = (code: string, text: string): boolean => code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code.startsWith('CERT_') || /self.signed|UNABLE_TO|certificate|altname/i.test(`${code} ${text}`);

const refusesClient = (code: string, text: string): boolean => /alert.*(certificate|unknown.ca|access.denied|handshake.failure)/i.test(`${code} ${text}`.replaceAll('_', ' '));

/** The reason, and whether it is a refusal. */
type Verdict = readonly [reason: Reason, refused: boolean];

const judge = ({ error, secured, timedOut, auth }: FailedConnect): Verdict => {
  if (timedOut) return ['connect_timeout', false];
  if (error instanceof BridgeError) return [error.reason, error.reason === 'aws_credentials_missing'];
  if (error instanceof UpgradeRefused) return ['connect_refused', refusingStatuses.has(error.status)];
  const code = codeOf(error);
  const text = messageOf(error);
  const refusal: Verdict = [auth === 'certificate' ? 'certificate_refused' : 'connect_refused', true];
  if (dnsCodes.has(code)) return ['dns_failed', false];
  if (/^\d+$/.test(code)) return refusingConnacks.has(code) ? refusal : ['connect_refused', false];
  if (secured || (auth === 'certificate' && refusesClient(code, text))) return refusal;
  return [isTls(code, text) ? 'tls_failed' : 'endpoint_unreachable', false];
};

/** Whether the broker says that it does not speak the protocol version that was tried. */
export const refusesVersion = (error: unknown): boolean => codeOf(error) === '132' || codeOf(error) === '1';

/** Whether it is a refusal of the certificate or the credentials, not an endpoint that cannot be reached. */
export const isRefusal = (error: unknown): boolean => error instanceof ConnectFailure && error.refused;

const silentWords = {
  certificate: 'the endpoint closed after the TLS handshake without an answer: is the certificate active, and does its policy allow this client id to connect?',
  sigv4: 'the endpoint closed the WebSocket without an answer: does the IAM policy of the credentials allow iot:Connect for this client id?',
};

const detailOf = ({ error, secured, timedOut, auth }: FailedConnect): string => {
  if (secured && !timedOut && codeOf(error) === '') return silentWords[auth];
  if (error instanceof UpgradeRefused && refusingStatuses.has(error.status)) return `${error.message}: the AWS credentials were refused, or their IAM policy does not allow iot:Connect`;
  return messageOf(error);
};

/**
 * Names the reason of a failed connect. AWS closes without a word after the handshake when the certificate is unknown, inactive or
 * not allowed to connect, so an end between handshake and CONNACK counts as that.
 */
export const connectFailure = (failed: FailedConnect): ConnectFailure => {
  const [reason, refused] = judge(failed);
  return new ConnectFailure(reason, { refused, detail: detailOf(failed), cause: failed.error });
};
