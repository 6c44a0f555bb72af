import { createHash, createHmac, type Hash as NodeHash, type Hmac } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentials } from './credentials.js';

type Bytes = string | ArrayBuffer | ArrayBufferView;

const bytesOf = (value: Bytes): Buffer => {
  if (typeof value === 'string') return Buffer.from(value);
  return ArrayBuffer.isView(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : Buffer.from(value);
};

/** SHA-256 in the form that the signer asks for. */
class Sha256 {
  readonly #hash: NodeHash | Hmac;

  constructor(secret?: Bytes) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(bytes: Bytes): void {
    this.#hash.update(bytesOf(bytes));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

/** Seconds that a signature is good for: it is used at once, so this is for clocks that differ. */
const expiresInS = 300;
const httpsPort = 443;

/** As the Host header names it, which is what is signed: the port only where it is not the usual one. */
const authorityOf = (host: string, port: number): string => {
  const name = isIPv6(host) ? `[${host}]` : host;
  return port === httpsPort ? name : `${name}:${port}`;
};

export interface PresignRequest {
  readonly host: string;
  readonly port: number;
  readonly region: string;
  readonly credentials: AwsCredentials;
  /** Now, when absent. */
  readonly at?: Date;
}

const textOf = (value: string | readonly string[] | null | undefined): string => (typeof value === 'string' ? value : (value?.[0] ?? ''));

/**
 * The URL of one MQTT session over WebSocket, signed for the service `iotdevicegateway`. The session token of temporary credentials
 * is added after the signing, other than everywhere else in AWS (AWS IoT developer guide, "MQTT over the WebSocket protocol").
 */
export const presignedUrl = async ({ host, port, region, credentials: { accessKeyId, secretAccessKey, sessionToken }, at = new Date() }: PresignRequest): Promise<string> => {
  const authority = authorityOf(host, port);
  const signer = new SignatureV4({ service: 'iotdevicegateway', region, credentials: { accessKeyId, secretAccessKey }, sha256: Sha256 });
  const signed = await signer.presign(
    { method: 'GET', protocol: 'wss:', hostname: host, port, path: '/mqtt', query: {}, headers: { host: authority } },
    { expiresIn: expiresInS, signingDate: at },
  );
  const query = Object.entries({ ...signed.query, ...(sessionToken === undefined ? {} : { 'X-Amz-Security-Token': sessionToken }) });
  return `wss://${authority}/mqtt?${query.map(([name, value]) => `${name}=${encodeURIComponent(textOf(value))}`).join('&')}`;
};
