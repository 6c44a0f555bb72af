import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chirpstackApi, chirpstackVersion3Api } from './chirpstack-api.js';
import { ApiRefusal, apiSecrets, type ApiAnswer, type ApiRequest, type Asked, type Dialect, type DownlinkApi } from './downlink-api.js';
import { theThingsStackApi } from './the-things-stack-api.js';
import { thingparkApi } from './thingpark-api.js';

const dialects: Readonly<Record<DownlinkApi, Dialect>> = { thingpark: thingparkApi, 'the-things-stack': theThingsStackApi, chirpstack: chirpstackApi, 'chirpstack-v3': chirpstackVersion3Api };

/** A downlink as it came in, and what became of it. */
export interface Arrival extends Asked {
  /** `performance.now()` when the whole request was there. */
  readonly at: number;
  /** Status of the answer; 0 when there is none. The network server has the downlink exactly when it is 200 and does not say no. */
  readonly status: number;
  /** The answer was a 200 whose text says that the downlink was not taken. */
  readonly saidNo?: boolean;
  /** `performance.now()` when the answer was written; absent until then, and when there is none. */
  readonly answeredAt?: number;
  /** The network server's own names of it. */
  readonly id: string;
  readonly fCnt: number;
}

/** How a request is met. */
export type Mood =
  | { readonly do: 'take' }
  | { readonly do: 'take-late'; readonly afterMs: number }
  /** Takes it, and answers once this resolves. */
  | { readonly do: 'take-when'; readonly released: Promise<void> }
  | { readonly do: 'refuse'; readonly status: number; readonly text?: string; readonly retryAfter?: string }
  /** Takes nothing and never answers. */
  | { readonly do: 'hang' }
  /** Closes the connection without an answer. */
  | { readonly do: 'close' };

/** A network server with its downlink API on loopback. */
export interface NetworkServer {
  readonly id: string;
  readonly api: DownlinkApi;
  /** Its entry in `networkServers` of the configuration. */
  entry(downlink?: object): object;
  readonly url: string;
  readonly arrivals: readonly Arrival[];
  /** Those that the network server has, in the order in which they came. */
  taken(): readonly Arrival[];
  /** Requests that break the API, and why: there must be none. */
  readonly violations: readonly string[];
  /** DevEUIs whose queue was emptied by a request of its own (DELETE). */
  readonly flushed: readonly string[];
  behave(mood: Mood | ((asked: Asked) => Mood)): void;
  until(what: string, done: (arrivals: readonly Arrival[]) => boolean, timeoutMs?: number): Promise<void>;
  /** Closes the port and every connection: who calls now is refused. */
  leave(): Promise<void>;
  /** Listens on the same port again. */
  comeBack(): Promise<void>;
  stop(): Promise<void>;
}

/** With `allowedHosts`, address and key come from the webhooks alone. */
const downlinkSettings = (api: DownlinkApi, url: string, more: object): object => {
  const { asId, asKey, apiToken, applicationId, webhookId } = apiSecrets;
  if ('allowedHosts' in more) return {};
  if (api === 'thingpark') return { url, asId, asKey };
  return api === 'the-things-stack' ? { url, apiToken, applicationId, webhookId } : { url, apiToken };
};

const readRequest = async (request: IncomingMessage): Promise<ApiRequest> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const [path = '', rawQuery = ''] = (request.url ?? '').split('?', 2);
  return { method: request.method ?? '', path, rawQuery, headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
};

const answer = (response: ServerResponse, { status, contentType, body }: ApiAnswer, headers: Readonly<Record<string, string>> = {}): void => {
  response.writeHead(status, { ...headers, ...(contentType === undefined ? {} : { 'content-type': contentType }), 'content-length': Buffer.byteLength(body) });
  response.end(body);
};

type Entry = { -readonly [K in keyof Arrival]: Arrival[K] };

const hasIt = ({ status, saidNo = false }: Arrival): boolean => status === 200 && !saidNo;

const statusOf = (mood: Mood): number => {
  if (mood.do === 'refuse') return mood.status;
  return mood.do === 'take' || mood.do === 'take-late' || mood.do === 'take-when' ? 200 : 0;
};

interface Watch {
  readonly arrivals: readonly Arrival[];
  changed(): void;
  until: NetworkServer['until'];
}

const createWatch = (id: string, arrivals: readonly Arrival[]): Watch => {
  const checks = new Set<() => void>();
  return {
    arrivals,
    changed: () => checks.forEach((check) => check()),
    until: (what, done, timeoutMs = 60_000) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (!done(arrivals)) return;
          clearTimeout(timer);
          checks.delete(check);
          resolve();
        };
        const timer = setTimeout(() => {
          checks.delete(check);
          reject(new Error(`${what} did not happen at ${id} in ${timeoutMs} ms; ${arrivals.length} downlinks came, ${arrivals.filter(hasIt).length} were taken`));
        }, timeoutMs);
        checks.add(check);
        check();
      }),
  };
};

/** Starts a network server that takes everything until it is told otherwise. */
export const startNetworkServer = async (api: DownlinkApi, id: string = api): Promise<NetworkServer> => {
  const dialect = dialects[api];
  const arrivals: Entry[] = [];
  const violations: string[] = [];
  const flushed: string[] = [];
  const counters = new Map<string, number>();
  const late = new Set<NodeJS.Timeout>();
  const watch = createWatch(id, arrivals);
  let choose: (asked: Asked) => Mood = () => ({ do: 'take' });

  const nextCounter = (devEui: string): number => {
    const fCnt = (counters.get(devEui) ?? 0) + 1;
    counters.set(devEui, fCnt);
    return fCnt;
  };

  const meet = (mood: Mood, response: ServerResponse, success: ApiAnswer, answered: () => void): void => {
    switch (mood.do) {
      case 'take':
        answered();
        return answer(response, success);
      case 'take-late': {
        const timer = setTimeout(() => {
          late.delete(timer);
          answered();
          answer(response, success);
        }, mood.afterMs);
        return void late.add(timer);
      }
      case 'take-when':
        return void mood.released.then(() => {
          answered();
          answer(response, success);
        });
      case 'refuse':
        answered();
        return answer(response, dialect.failure(mood.status, mood.text ?? 'told to refuse'), mood.retryAfter === undefined ? {} : { 'retry-after': mood.retryAfter });
      case 'close':
        return void response.destroy();
      case 'hang':
    }
  };

  const receive = (call: ApiRequest, response: ServerResponse): void => {
    const at = performance.now();
    const asked = dialect.read(call);
    if (call.method === 'DELETE') flushed.push(call.path.split('/')[3]?.toLowerCase() ?? '');
    const [first] = asked;
    const mood = first === undefined ? { do: 'take' as const } : choose(first);
    const status = statusOf(mood);
    const names = asked.map(({ devEui }) => ({ id: randomUUID(), fCnt: status === 200 ? nextCounter(devEui) : 0 }));
    const saidNo = mood.do === 'refuse' && status === 200;
    const entries = asked.map((one, index): Entry => ({ ...one, at, status, ...(saidNo ? { saidNo } : {}), id: names[index]?.id ?? '', fCnt: names[index]?.fCnt ?? 0 }));
    arrivals.push(...entries);
    const answered = (): void => entries.forEach((entry) => (entry.answeredAt = performance.now()));
    meet(mood, response, dialect.success(names[0]?.id ?? '', names[0]?.fCnt ?? 0), answered);
    watch.changed();
  };

  const receiveOrRefuse = (call: ApiRequest, response: ServerResponse): void => {
    try {
      receive(call, response);
    } catch (error) {
      const refusal = error instanceof ApiRefusal ? error : new ApiRefusal(400, String(error));
      violations.push(`${call.method} ${call.path}: ${refusal.message}`);
      answer(response, dialect.failure(refusal.status, refusal.message));
    }
  };

  const server = createServer({ keepAliveTimeout: 30_000 }, (request, response) => {
    // A request that breaks off never was one: the bridge was killed while it wrote.
    readRequest(request).then((call) => receiveOrRefuse(call, response), () => response.destroy());
  });
  const listen = (port: number): Promise<void> => new Promise((resolve, reject) => void server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const leave = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    id,
    api,
    url,
    arrivals,
    violations,
    flushed,
    entry: (downlink = {}) => ({ id, kind: api === 'chirpstack-v3' ? 'chirpstack' : api, authenticate: 'none', downlink: { ...downlinkSettings(api, url, downlink), backoff: { min: '50ms', max: '500ms' }, ...downlink } }),
    taken: () => arrivals.filter(hasIt),
    behave: (mood) => void (choose = typeof mood === 'function' ? mood : () => mood),
    until: watch.until,
    leave,
    comeBack: () => listen(port),
    stop() {
      late.forEach((timer) => clearTimeout(timer));
      return leave();
    },
  };
};
