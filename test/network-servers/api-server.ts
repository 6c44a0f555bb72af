/** A downlink API on loopback for tests: real HTTP or HTTPS, answers as each test says. */
import { createServer as createHttpServer, type IncomingHttpHeaders, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Test } from 'tap';
import { BridgeError } from '../../src/errors.js';
import type { Downlink } from '../../src/messages/downlink.js';
import type { IssuedCertificate } from '../../src/sandbox/issue-certificate.js';

export interface ReceivedRequest {
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An answer, or what happens instead of one. */
export type Reply =
  | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  | 'silence'
  | 'reset'
  /** Promises more than it sends, then closes. */
  | { readonly status: number; readonly cutBody: string };

export interface ApiServer {
  readonly port: number;
  readonly url: string;
  readonly requests: ReceivedRequest[];
  /** Connections that were ever made. */
  sockets(): number;
}

const listen = (t: Test, server: Server, sockets: Set<Socket>): Promise<number> =>
  new Promise((resolve, reject) => {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    });
    t.teardown(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    });
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

const send = (response: ServerResponse, reply: Reply): void => {
  if (reply === 'silence') return;
  if (reply === 'reset') {
    response.socket?.resetAndDestroy();
    return;
  }
  if ('cutBody' in reply) {
    response.writeHead(reply.status, { 'content-length': String(Buffer.byteLength(reply.cutBody) + 100) });
    response.write(reply.cutBody, () => response.socket?.destroy());
    return;
  }
  response.writeHead(reply.status, reply.headers).end(reply.body ?? '');
};

export const startApi = async (t: Test, reply: (request: ReceivedRequest) => Reply | Promise<Reply>, tls?: IssuedCertificate): Promise<ApiServer> => {
  const requests: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  const answer: RequestListener = (request, response) => {
    void bodyOf(request).then(async (body) => {
      const received = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
      requests.push(received);
      send(response, await reply(received));
    });
  };
  const server = tls === undefined ? createHttpServer(answer) : createHttpsServer({ cert: tls.certificate, key: tls.privateKey }, answer);
  const port = await listen(t, server, sockets);
  return { port, url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`, requests, sockets: () => sockets.size };
};

/** A TCP server that does with each connection what the test says. */
export const startTcp = async (t: Test, onSocket: (socket: Socket) => void): Promise<number> => listen(t, createTcpServer(onSocket), new Set());

export interface ProxyServer {
  readonly url: string;
  /** Each CONNECT: where to, and with which credentials. */
  readonly tunnels: { readonly target: string; readonly authorization: string | undefined }[];
}

/** A proxy that opens tunnels (RFC 9110, 9.3.6), or answers every CONNECT with another status, or never. */
export const startProxy = async (t: Test, verdict: number | 'silence' = 200): Promise<ProxyServer> => {
  const tunnels: { target: string; authorization: string | undefined }[] = [];
  const server = createHttpServer();
  const ends = new Set<Socket>();
  server.on('connect', (request, client: Socket) => {
    tunnels.push({ target: request.url ?? '', authorization: request.headers['proxy-authorization'] });
    if (verdict === 'silence') return;
    if (verdict !== 200) {
      client.end(`HTTP/1.1 ${verdict} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const [host, port] = (request.url ?? '').split(':');
    const target = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.pipe(client).pipe(target);
    });
    ends.add(target);
    target.on('error', () => client.destroy());
    client.on('close', () => target.destroy());
  });
  t.teardown(() => ends.forEach((end) => end.destroy()));
  const port = await listen(t, server, new Set());
  return { url: `http://127.0.0.1:${port}`, tunnels };
};

/** A port on which nothing listens. */
export const closedPort = async (): Promise<number> => {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
};

/** A downlink for tests; only what matters is given. */
export const downlinkOf = (more: Partial<Downlink> = {}): Downlink => ({
  id: '9f2c4e11aa00bb77c0ffee0123456789',
  connectionId: 'main',
  deviceId: '0018b20000000b20',
  networkServer: { id: 'factory', kind: 'chirpstack' },
  fPort: 5,
  ...(more.object === undefined ? { payload: '0a0b' } : {}),
  confirmed: false,
  flush: false,
  receivedAt: Date.parse('2026-03-04T05:06:07.000Z'),
  validUntil: Date.parse('2026-03-05T05:06:07.000Z'),
  ...more,
});

/** The reason and field of what was thrown, or undefined when nothing was. */
export const refusal = (work: () => unknown): { readonly reason: string; readonly field: string | undefined } | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof BridgeError) return { reason: error.reason, field: error.field };
    throw error;
  }
};
