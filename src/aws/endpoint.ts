import type { CredentialSource } from './credentials.js';

/** MQTT over mutual TLS. */
export interface CertificateAuth {
  readonly kind: 'certificate';
  /** PEM. */
  readonly certificate: string;
  /** PEM. */
  readonly privateKey: string;
}

/** MQTT over WebSocket, each connect signed with AWS credentials. */
export interface SigV4Auth {
  readonly kind: 'sigv4';
  readonly region: string;
  readonly credentials: CredentialSource;
}

/** Where a session goes, and how it proves itself there. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Certificates that the server's must chain to, PEM; absent: Node's own list. */
  readonly ca?: readonly string[];
  readonly auth: CertificateAuth | SigV4Auth;
}

/** Whether both lead to the same broker, where a client id can be taken over. */
export const sameBroker = (one: Endpoint, other: Endpoint): boolean => one.host === other.host && one.port === other.port;
