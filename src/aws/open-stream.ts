import { once } from 'node:events';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { WebSocket } from 'ws';
import { BridgeError, messageOf } from '../errors.js';
import type { AwsCredentials, CredentialSource } from './credentials.js';
import type { Endpoint, SigV4Auth } from './endpoint.js';
import { secureContextOf } from './secure-context.js';

/** The endpoint answered the upgrade to WebSocket with another status than 101. */
export class UpgradeRefused extends Error {
  constructor(readonly status: number) {
    super(`the endpoint answered the WebSocket upgrade with HTTP ${status}`);
  }
}

/** AWS wants the server's name in the handshake always (developer guide, "Transport security"); an address is no name. */
const serverName = (host: string): { servername?: string } => (isIP(host) === 0 ? { servername: host } : {});

/** ALPN `x-amzn-mqtt-ca` on port 443, none on others (AWS IoT developer guide, "Device communication protocols"). */
const alpn = ({ port, auth }: Endpoint): { ALPNProtocols?: string[] } => (port === 443 && auth.kind === 'certificate' ? { ALPNProtocols: ['x-amzn-mqtt-ca'] } : {});

/** DNS, TCP and TLS, with the certificate of the endpoint where it has one. @throws what Node throws, or the abort */
export const openTls = async (endpoint: Endpoint, signal: AbortSignal): Promise<TLSSocket> => {
  const { host, port } = endpoint;
  const socket = connectTls({ host, port, secureContext: secureContextOf(endpoint), ...serverName(host), ...alpn(endpoint) });
  socket.setNoDelay(true);
  // Whoever takes the stream over listens too; between the two an error must not end the process.
  socket.on('error', () => undefined);
  try {
    await once(socket, 'secureConnect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
};

const credentialsFrom = async (source: CredentialSource): Promise<AwsCredentials> => {
  try {
    return await source();
  } catch (error) {
    throw error instanceof BridgeError ? error : new BridgeError('aws_credentials_missing', { detail: messageOf(error) });
  }
};

/** What is awaited, or the abort. */
const orAbort = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });

/** AWS's packets are below 146 KB (AWS IoT Core quotas); several may stand in a frame. */
const longestMessage = 4 * 1024 * 1024;

/** Resolves when the upgrade is through. */
const opened = (webSocket: WebSocket): Promise<void> =>
  new Promise((resolve, reject) => {
    webSocket.once('open', resolve);
    webSocket.once('error', reject);
    webSocket.once('unexpected-response', (_request, response) => {
      reject(new UpgradeRefused(response.statusCode ?? 0));
      webSocket.terminate();
    });
  });

/** What only WebSockets need is loaded for the first one. */
const openWebSocket = async (endpoint: Endpoint, auth: SigV4Auth, signal: AbortSignal): Promise<Duplex> => {
  const { host, port } = endpoint;
  const [{ presignedUrl }, { WebSocketStream }, { WebSocket }] = await Promise.all([import('./presigned-url.js'), import('./web-socket-stream.js'), import('ws')]);
  const credentials = await orAbort(credentialsFrom(auth.credentials), signal);
  const url = await presignedUrl({ host, port, region: auth.region, credentials });
  const socket = await openTls(endpoint, signal);
  const webSocket = new WebSocket(url, ['mqtt'], { createConnection: () => socket, perMessageDeflate: false, maxPayload: longestMessage, skipUTF8Validation: true });
  // Without a listener an error that comes after the refusal would end the process.
  webSocket.on('error', () => undefined);
  try {
    await orAbort(opened(webSocket), signal);
  } catch (error) {
    webSocket.terminate();
    socket.destroy();
    throw error;
  }
  return new WebSocketStream(webSocket).on('error', () => undefined);
};

/**
 * Opens the bytes below MQTT: TLS with the client certificate, or TLS and a WebSocket with a fresh signature.
 * @throws UpgradeRefused, BridgeError aws_credentials_missing, what Node throws, or the abort
 */
export const openStream = (endpoint: Endpoint, signal: AbortSignal): Promise<Duplex> =>
  endpoint.auth.kind === 'certificate' ? openTls(endpoint, signal) : openWebSocket(endpoint, endpoint.auth, signal);
