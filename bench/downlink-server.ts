import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A network server with the downlink API of ChirpStack 4 that takes everything as fast as it can, and can be held. */
export interface DownlinkServer {
  readonly url: string;
  /** Answers nobody until `release`: what the bridge stores then waits. */
  hold(): void;
  release(): void;
  /** Downlinks that were answered. */
  taken(): number;
  /** Resolves with `performance.now()` when so many were answered. @throws after `boundMs` */
  until(count: number, boundMs: number): Promise<number>;
  stop(): Promise<void>;
}

export const startDownlinkServer = async (): Promise<DownlinkServer> => {
  const held: ServerResponse[] = [];
  let holding = false;
  let taken = 0;
  let wanted: { readonly count: number; readonly resolve: (at: number) => void } | undefined;

  const take = (response: ServerResponse): void => {
    taken += 1;
    response.writeHead(200, { 'content-type': 'application/json' }).end(`{"id":"${String(taken).padStart(8, '0')}-0000-4000-8000-000000000000"}`);
    if (wanted !== undefined && taken >= wanted.count) wanted.resolve(performance.now());
  };
  const receive = (request: IncomingMessage, response: ServerResponse): void => {
    request.resume();
    request.once('end', () => {
      if (holding) held.push(response);
      else take(response);
    });
  };
  const server = createServer({ keepAliveTimeout: 60_000 }, receive);
  await new Promise<void>((resolve, reject) => void server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold: () => void (holding = true),
    release() {
      holding = false;
      for (const response of held.splice(0)) take(response);
    },
    taken: () => taken,
    until: (count, boundMs) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`${taken} downlinks of ${count} came in ${boundMs / 1_000} s`)), boundMs);
        const end = (at: number): void => {
          clearTimeout(late);
          wanted = undefined;
          resolve(at);
        };
        wanted = { count, resolve: end };
        if (taken >= count) end(performance.now());
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
