import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { demoKeys } from './bodies.js';

/** A downlink as the stand-in network server got it. */
export interface QueuedAtNetworkServer {
  readonly devEui: string;
  readonly queueId: string;
  readonly body: string;
}

/** A stand-in for the REST API of ChirpStack v4: it takes downlinks into the queue of a device. */
export interface DemoNetworkServer {
  readonly url: string;
  close(): Promise<void>;
}

const queuePath = /^\/api\/devices\/([0-9a-f]{16})\/queue$/;

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

const answer = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

/** Starts it on a free port. `queued` is called after each downlink was answered, in order. */
export const startDemoNetworkServer = async (queued: (downlink: QueuedAtNetworkServer) => void): Promise<DemoNetworkServer> => {
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const devEui = queuePath.exec(request.url ?? '')?.[1];
      if (request.method !== 'POST' || devEui === undefined) return answer(response, 404, { code: 5, message: 'not found' });
      if (request.headers['grpc-metadata-authorization'] !== `Bearer ${demoKeys.chirpstackToken}`) return answer(response, 401, { code: 16, message: 'authentication failed' });
      const queueId = randomUUID();
      response.once('finish', () => queued({ devEui, queueId, body }));
      return answer(response, 200, { id: queueId });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
