import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { BridgeError } from '../../errors.js';
import { timeLimit } from '../../lifecycle.js';
import { connectFailure } from '../connect-failure.js';
import type { Endpoint } from '../endpoint.js';
import { openStream, openTls } from '../open-stream.js';
import { explainCertificate, explainServer } from './explain-failure.js';

export interface NetworkOptions {
  readonly endpoint: Endpoint;
  /** For each step, ms. */
  readonly timeoutMs: number;
}

/** How long the endpoint may take to hang up on a certificate that it does not know, ms: TLS 1.3 tells only after the handshake, and AWS only by closing. */
const quietMs = 400;

/** Runs one step below MQTT within its time. @throws BridgeError as `connectClient`, with `late` as the words for the time that ran out */
const bounded = async <T>({ endpoint, timeoutMs }: NetworkOptions, signal: AbortSignal, late: string, work: (limit: AbortSignal) => Promise<T>): Promise<T> => {
  const limit = timeLimit(signal, timeoutMs);
  const aborted = new Promise<never>((_resolve, reject) => limit.signal.addEventListener('abort', () => reject(limit.signal.reason as Error), { once: true }));
  try {
    signal.throwIfAborted();
    return await Promise.race([work(limit.signal), aborted]);
  } catch (error) {
    if (signal.aborted) throw new BridgeError('stopping', { detail: 'the check was stopped', cause: error });
    if (limit.isOver()) throw new BridgeError('connect_timeout', { detail: `${late} within ${timeoutMs} ms`, cause: error });
    throw connectFailure({ error, secured: false, timedOut: false, auth: endpoint.auth.kind });
  } finally {
    limit.end();
  }
};

/** @throws BridgeError dns_failed, connect_timeout */
export const checkDns = (options: NetworkOptions, signal: AbortSignal): Promise<string> =>
  bounded(options, signal, 'DNS did not answer', async () => {
    const addresses = await lookup(options.endpoint.host, { all: true });
    return addresses.map(({ address }) => address).join(', ');
  });

/** @throws BridgeError endpoint_unreachable, connect_timeout */
export const checkTcp = (options: NetworkOptions, signal: AbortSignal): Promise<string> =>
  bounded(options, signal, 'the TCP connection was not answered', async (limit) => {
    const { host, port } = options.endpoint;
    const socket = connectTcp({ host, port });
    socket.on('error', () => undefined);
    try {
      await once(socket, 'connect', { signal: limit });
      return `${socket.remoteAddress} port ${port}`;
    } finally {
      socket.destroy();
    }
  });

/** Handshake, server name, trust, and whether the endpoint keeps a client with this certificate. @throws BridgeError tls_failed, certificate_refused, connect_timeout */
export const checkTls = async (options: NetworkOptions, signal: AbortSignal): Promise<string> => {
  const { endpoint } = options;
  try {
    return await bounded(options, signal, 'the TLS handshake was not answered', async (limit) => {
      const socket = await openTls(endpoint, limit);
      try {
        if (endpoint.auth.kind === 'certificate') await refusesNot(socket, limit);
        return `${socket.getProtocol() ?? 'TLS'}, certificate of the server: ${socket.getPeerX509Certificate()?.subject.replaceAll('\n', ', ') ?? ''}`;
      } finally {
        socket.destroy();
      }
    });
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    if (error.reason === 'certificate_refused') throw new BridgeError('certificate_refused', { detail: explainCertificate(endpoint), cause: error });
    const words = explainServer(error.cause);
    throw words === undefined ? error : new BridgeError('tls_failed', { detail: words, cause: error });
  }
};

/** @throws BridgeError certificate_refused when the other side hangs up by itself */
const refusesNot = async (socket: Awaited<ReturnType<typeof openTls>>, limit: AbortSignal): Promise<void> => {
  const quiet = timeLimit(limit, quietMs);
  // Nothing is read without this, and the end would go unnoticed.
  socket.resume();
  const closed = await once(socket, 'close', { signal: quiet.signal }).then(
    () => true,
    () => !quiet.signal.aborted,
  );
  quiet.end();
  if (closed) throw new BridgeError('certificate_refused');
};

/** The upgrade to WebSocket, which shows whether the signature is good. @throws BridgeError connect_refused, aws_credentials_missing, connect_timeout */
export const checkWebSocket = (options: NetworkOptions, signal: AbortSignal): Promise<undefined> =>
  bounded(options, signal, 'the WebSocket upgrade was not answered', async (limit) => {
    const stream = await openStream(options.endpoint, limit);
    stream.destroy();
    return undefined;
  });
