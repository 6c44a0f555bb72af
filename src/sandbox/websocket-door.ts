import { createServer, STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { createWebSocketStream, WebSocketServer, type WebSocket } from 'ws';
import type { AccessKey, AccessKeys } from './access-key.js';
import type { Books } from './books.js';
import type { Iam } from './iam.js';
import type { IssuedCertificate } from './issue-certificate.js';
import type { Accept, Door } from './listener.js';
import { sha256, splitTarget } from './sigv4/canonical-request.js';
import { checkSignedHeader, checkSignedQuery, type SignatureVerdict } from './sigv4/check-signature.js';
import { maxPacketBytes } from './wire.js';

export interface WebSocketDoorOptions {
  readonly server: IssuedCertificate;
  readonly keys: AccessKeys;
  readonly iam: Iam;
  readonly books: Books;
}

/** What AWS's device SDKs sign for, and what the developer guide calls the data plane. */
const services = ['iotdevicegateway', 'iotdata'];
const subprotocol = 'mqtt';
const emptyPayload = sha256('');

const verdictOn = (request: IncomingMessage, keys: AccessKeys): SignatureVerdict => {
  const signable = { method: request.method ?? '', target: request.url ?? '/', headers: request.headers, payloadHash: emptyPayload };
  const options = { keys, services, now: Date.now() };
  return request.headers.authorization === undefined ? checkSignedQuery(signable, options) : checkSignedHeader(signable, options);
};

const offersMqtt = ({ headers }: IncomingMessage): boolean => (headers['sec-websocket-protocol'] ?? '').split(',').some((name) => name.trim() === subprotocol);

interface Refusal {
  readonly status: number;
  readonly message: string;
}

/** The caller's key, or why there is no upgrade. */
const judge = (request: IncomingMessage, keys: AccessKeys): AccessKey | Refusal => {
  if (splitTarget(request.url ?? '/').path !== '/mqtt') return { status: 404, message: 'MQTT is served on /mqtt.' };
  if (!offersMqtt(request)) return { status: 400, message: 'The subprotocol mqtt is needed.' };
  const verdict = verdictOn(request, keys);
  return 'fault' in verdict ? { status: 403, message: verdict.message } : verdict.key;
};

const refuse = (socket: Duplex, { status, message }: Refusal): void => {
  const body = JSON.stringify({ message });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
};

/** The bytes of a WebSocket; when it is gone and all is read, the stream is closed as a socket is, which `ws` leaves half open. */
const streamOf = (opened: WebSocket): Duplex => {
  const stream = createWebSocketStream(opened);
  stream.once('end', () => stream.destroy());
  return stream;
};

/** MQTT over WebSocket, signed with an access key (SigV4). The session has the rights of the IAM policy. */
export const createWebSocketDoor = ({ server, keys, iam, books }: WebSocketDoorOptions): Door => {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 2 * maxPacketBytes, handleProtocols: () => subprotocol });
  const http = createServer((_request, response) => response.writeHead(426, { upgrade: 'websocket', connection: 'close' }).end());
  const accepts = new WeakMap<Duplex, Accept>();

  http.on('upgrade', (request, socket: Duplex, head: Buffer) => {
    socket.on('error', () => undefined);
    const judged = judge(request, keys);
    if ('status' in judged) {
      if (judged.status === 403) books.note({ kind: 'connect-refused', at: Date.now(), clientId: '', reason: 'not_signed' });
      return refuse(socket, judged);
    }
    sockets.handleUpgrade(request, socket, head, (opened) => {
      accepts.get(socket)?.(streamOf(opened), { id: judged.userId, decide: iam.decide });
    });
  });

  return {
    tls: { key: server.privateKey, cert: server.certificate },
    knock: (socket: TLSSocket, accept) => {
      accepts.set(socket, accept);
      http.emit('connection', socket);
    },
  };
};
