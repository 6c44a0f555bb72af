import type { IncomingHttpHeaders } from 'node:http';
import { rootCertificates } from 'node:tls';
import type { Dispatcher } from 'undici';
import { messageOf } from '../errors.js';

export interface HttpRequest {
  readonly method: 'POST' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Instead of the client's own bound. */
  readonly timeoutMs?: number;
}

export interface HttpAnswer {
  readonly kind: 'answered';
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** At most 64 KiB of it. */
  readonly body: string;
}

/** How a request ended, by what the other side may know of it. */
export type HttpExchange =
  | HttpAnswer
  /** No byte of the request left: no address, no connection, no TLS session, or none in time. */
  | { readonly kind: 'unsent'; readonly detail: string }
  /** The request was written, wholly or in part, and no whole answer came. */
  | { readonly kind: 'unanswered'; readonly detail: string };

export interface HttpClientOptions {
  readonly timeoutMs: number;
  readonly ca?: readonly string[];
  readonly proxy?: string;
}

export interface HttpClient {
  /** Never throws, follows no redirect, ends within the bound. */
  exchange(request: HttpRequest): Promise<HttpExchange>;
  /** Ends every connection; what is still under way gets no answer. */
  close(): Promise<void>;
}

/** More would only wait in the network server's own queue. No more attempts than these are made at once (`network-server-state.ts`). */
const maxConnections = 64;
const maxBodyBytes = 65_536;
const userAgent = 'lpwan-aws-bridge';

/** What went wrong, in the words of Node's network layer, which name host and port at most. */
const detailOf = (error: Error): string => {
  // Several addresses tried at once fail with one error each, in a list without words of its own.
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const message = messageOf(first);
  return message === '' ? error.name : message;
};

interface Observer {
  readonly handler: Dispatcher.DispatchHandler;
  /** Ends the exchange now; what was not begun will not be sent any more. */
  readonly stop: (detail: string) => void;
}

/** Follows one request: undici calls `onRequestStart` just before it writes the first byte. */
const observe = (settle: (exchange: HttpExchange) => void): Observer => {
  let begun: Dispatcher.DispatchController | undefined;
  let stopped: Error | undefined;
  let head: { readonly status: number; readonly headers: IncomingHttpHeaders } | undefined;
  const chunks: Buffer[] = [];
  let size = 0;

  const answered = (): void => {
    if (head !== undefined) settle({ kind: 'answered', ...head, body: Buffer.concat(chunks).subarray(0, maxBodyBytes).toString('utf8') });
  };
  const failed = (detail: string): void => {
    if (begun === undefined) settle({ kind: 'unsent', detail });
    // A refusal is one even when its explanation is cut off; a success may depend on what the body says.
    else if (head === undefined || head.status < 300) settle({ kind: 'unanswered', detail });
    else answered();
  };

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: (controller) => {
      if (stopped === undefined) begun = controller;
      else controller.abort(stopped);
    },
    onResponseStart: (_controller, status, headers) => {
      if (status >= 200) head = { status, headers };
    },
    onResponseData: (controller, chunk) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size <= maxBodyBytes) return;
      answered();
      controller.abort(new Error('the answer is too long'));
    },
    onResponseEnd: answered,
    onResponseError: (_controller, error) => failed(detailOf(error)),
  };
  const stop = (detail: string): void => {
    failed(begun === undefined ? `no connection ${detail}` : `no answer ${detail}`);
    stopped = new Error(detail);
    begun?.abort(stopped);
  };
  return { handler, stop };
};

const run = (dispatcher: Dispatcher, request: HttpRequest, timeoutMs: number): Promise<HttpExchange> =>
  new Promise((resolve) => {
    const { handler, stop } = observe((exchange) => {
      clearTimeout(timer);
      resolve(exchange);
    });
    const timer = setTimeout(() => stop(`within ${timeoutMs} ms`), timeoutMs);
    const { method, url, headers, body } = request;
    dispatcher.dispatch({ origin: url.origin, path: url.pathname + url.search, method, headers: { 'user-agent': userAgent, ...headers }, body: body ?? null }, handler);
  });

const proxyToken = ({ username, password }: URL): { token?: string } =>
  username === '' ? {} : { token: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}` };

/** Loads the HTTP library, a tenth of a second of work, which a bridge without downlinks never needs. */
const createDispatcher = async ({ timeoutMs, ca, proxy }: HttpClientOptions): Promise<Dispatcher> => {
  const { Agent, Pool, ProxyAgent } = await import('undici');
  const bounds = { connections: maxConnections, headersTimeout: timeoutMs, bodyTimeout: timeoutMs };
  // Said explicitly, or NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment would switch it off.
  const tls = { rejectUnauthorized: true, timeout: timeoutMs };
  const target = { ...tls, ...(ca === undefined ? {} : { ca: [...ca] }) };
  if (proxy === undefined) return new Agent({ ...bounds, connect: target });
  const url = new URL(proxy);
  return new ProxyAgent({
    ...bounds,
    ...proxyToken(url),
    uri: url.origin,
    requestTls: target,
    // A proxy in the company's network has the company's certificate, one outside a public one.
    proxyTls: { ...tls, ...(ca === undefined ? {} : { ca: [...rootCertificates, ...ca] }) },
    clientFactory: (origin, options) => new Pool(origin, { ...options, ...bounds }),
  });
};

/** HTTP/1.1 with connections that are kept and used again, at most 64 for one origin. */
export const createHttpClient = (options: HttpClientOptions): HttpClient => {
  let dispatcher: Promise<Dispatcher> | undefined;
  let closed = false;
  return {
    async exchange(request) {
      if (closed) return { kind: 'unsent', detail: 'the client is closed' };
      try {
        const opened = await (dispatcher ??= createDispatcher(options));
        return await run(opened, request, request.timeoutMs ?? options.timeoutMs);
      } catch (error) {
        return { kind: 'unsent', detail: messageOf(error) };
      }
    },
    async close() {
      closed = true;
      await (await dispatcher?.catch(() => undefined))?.destroy();
    },
  };
};
