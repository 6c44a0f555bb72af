import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Gate } from './admit-call.js';
import { answerCall, type Answer, type Call } from './answer-call.js';
import type { Cloud } from './cloud.js';
import { answerSts, isStsCall, type StsOptions } from './sts/answer-sts.js';

/** The API of AWS IoT Core and STS over plain HTTP. */
export interface ApiListener {
  /** Resolves to the port. */
  listen(port: number, host: string): Promise<number>;
  /** Closes the port and all connections, also of calls that are under way. */
  close(): Promise<void>;
}

export interface ApiListenerOptions extends StsOptions {
  readonly gate: Gate;
  readonly cloud: Cloud;
}

const maxBodyBytes = 1024 * 1024;

/** Undefined for a body that is too long; it is read to its end all the same, or the answer would not be seen. */
const readBody = async (request: IncomingMessage): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= maxBodyBytes) chunks.push(chunk);
  }
  return length > maxBodyBytes ? undefined : Buffer.concat(chunks);
};

const tooLarge: Answer = { status: 413, headers: { 'content-type': 'application/json', connection: 'close' }, body: '{"message":"The body is longer than 1 MiB."}' };
const broken: Answer = { status: 500, headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'InternalFailureException' }, body: '{"message":"The sandbox failed."}' };

const answerTo = async (request: IncomingMessage, { gate, cloud, externalId }: ApiListenerOptions): Promise<Answer> => {
  const body = await readBody(request);
  if (body === undefined) return tooLarge;
  const call: Call = { method: request.method ?? '', target: request.url ?? '/', headers: request.headers, body };
  return isStsCall(call) ? answerSts(gate, { externalId }, call) : answerCall(gate, cloud, call);
};

const respond = async (request: IncomingMessage, response: ServerResponse, options: ApiListenerOptions): Promise<void> => {
  const answer = await answerTo(request, options).catch(() => (request.destroyed && !request.complete ? undefined : broken));
  if (answer === undefined) return; // the caller left before its request was whole
  response.writeHead(answer.status, { ...answer.headers, 'content-length': Buffer.byteLength(answer.body) });
  response.end(answer.body);
};

/** Not listening yet. */
export const createApiListener = (options: ApiListenerOptions): ApiListener => {
  const server = createServer((request, response) => void respond(request, response, options));
  return {
    listen: (port, host) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          server.off('error', reject);
          resolve((server.address() as AddressInfo).port);
        });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
