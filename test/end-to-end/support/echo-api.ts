import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A downlink API, and a proxy, that refuses every request and quotes all of it. */
export interface EchoApi {
  readonly url: string;
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Whole requests as they came, one text each. */
  readonly requests: readonly string[];
  stop(): Promise<void>;
}

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return [`${request.method ?? ''} ${request.url ?? ''}`, ...request.rawHeaders, Buffer.concat(chunks).toString('utf8')].join(' ');
};

export const startEchoApi = async (status = 400): Promise<EchoApi> => {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    void textOf(request).then((text) => {
      requests.push(text);
      // The credentials first: what comes late might only be cut off.
      const credentials = [request.headers.authorization, request.headers['grpc-metadata-authorization']].join(' ').replace(/Bearer/g, '');
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ code: 3, message: `you sent ${credentials} in ${text}` }));
    });
  });
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    const text = [`${request.method ?? ''} ${request.url ?? ''}`, ...request.rawHeaders].join(' ');
    requests.push(text);
    socket.on('error', () => undefined).end(`HTTP/1.1 407 ${text.slice(0, 400)}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    requests,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
