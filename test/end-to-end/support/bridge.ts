import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request, type ClientRequest } from 'node:http';
import { Agent as TlsAgent, request as requestOverTls } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { TestBroker } from './broker.js';
import { startBridgeProgram, type Program } from './program.js';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface HttpCall {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface ApiAnswer extends HttpAnswer {
  readonly json: Readonly<Record<string, unknown>>;
}

/** A running bridge process, its data directory, and HTTP to it. */
export interface TestBridge {
  readonly program: Program;
  /** @throws when the connection fails, as it does when the bridge is killed */
  call(path: string, call?: HttpCall): Promise<HttpAnswer>;
  private(path: string, call?: HttpCall): Promise<HttpAnswer>;
  /** One request to the private API, with a JSON body where one is given; the answer's body is read as JSON where there is one. */
  api(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<ApiAnswer>;
  /** Value of one metric series, such as `lpwan_bridge_outbox_delivered_total{connection="main"}`. */
  metric(series: string): Promise<number>;
  kill(): Promise<void>;
  /** SIGTERM. Resolves with the exit code. */
  stop(): Promise<number | NodeJS.Signals | null>;
}

/** A data directory and configuration that outlive one process. */
export interface BridgeHome {
  readonly file: string;
  /** `env` is laid over the environment of the tests. */
  start(env?: Readonly<Record<string, string>>): Promise<TestBridge>;
  remove(): Promise<void>;
}

export const apiKey = 'test-key';

/** A configuration with a network server of each kind, without authentication but for ChirpStack's header. */
export const bridgeConfig = (dir: string, broker: TestBroker, configuration: object = {}, more: object = {}): object => ({
  dataDir: join(dir, 'data'),
  ingress: { host: '127.0.0.1', port: 0 },
  private: { host: '127.0.0.1', port: 0 },
  networkServers: [
    { id: 'factory', kind: 'chirpstack', authenticate: { header: { name: 'x-api-key', value: apiKey } } },
    { id: 'chirpstack', kind: 'chirpstack', authenticate: 'none' },
    { id: 'thingpark', kind: 'thingpark', authenticate: 'none' },
    { id: 'the-things-stack', kind: 'the-things-stack', authenticate: 'none' },
    { id: 'sigfox', kind: 'sigfox', authenticate: 'none' },
  ],
  connections: [
    {
      id: 'main',
      connectorId: 'aws-iot',
      configuration: { endpoint: broker.endpoint, certificate_file: broker.certificate, privateKey_file: broker.privateKey, caCertificate_file: broker.caCertificate, reconnect: { min: '200ms', max: '2s' }, ...configuration },
    },
  ],
  ...more,
});

/** A connection that was kept may have reached its end at the bridge in the moment in which it is used again: what only asks, asks anew. */
const isStale = (call: ClientRequest, error: NodeJS.ErrnoException): boolean => call.method === 'GET' && call.reusedSocket && error.code === 'ECONNRESET';

const send = (agent: Agent, url: string, one: HttpCall): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = one;
    const call = (agent instanceof TlsAgent ? requestOverTls : request)(url, { method, headers: { ...headers, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) }, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString('utf8') }));
    });
    call.on('error', (error) => (isStale(call, error) ? resolve(send(agent, url, one)) : reject(error)));
    call.end(body);
  });

/** The certificate of the listener is the test's own, and not what is tested. */
const agentFor = (url: string): Agent => {
  // The bridge closes what was idle for 72 s: a webhook that is posted in that moment would break off. An agent without a time of its own does not heed the one in `Keep-Alive`.
  const options = { keepAlive: true, maxSockets: 64, timeout: 60_000 };
  return url.startsWith('https:') ? new TlsAgent({ ...options, rejectUnauthorized: false }) : new Agent(options);
};

export const createHome = async (broker: TestBroker, configuration: object = {}, more: object = {}): Promise<BridgeHome> => {
  const dir = await mkdtemp(join(tmpdir(), 'bridge-home-'));
  const file = join(dir, 'bridge.yaml');
  await writeFile(file, stringify(bridgeConfig(dir, broker, configuration, more)));
  return {
    file,
    remove: () => rm(dir, { recursive: true, force: true }),
    async start(more = {}) {
      const { REDIS_URL: _elsewhere, ...env } = process.env; // only the file says which queue a test runs on
      const program = startBridgeProgram(['start', '--config', file], { ...env, ...more });
      const ready = await program.waitFor('ready', (line) => line['msg'] === 'ready');
      const ingress = String(ready['ingress']);
      const privateUrl = String(ready['private']);
      const [agent, privateAgent] = [agentFor(ingress), agentFor(privateUrl)];
      const privateCall = (path: string, call: HttpCall = {}): Promise<HttpAnswer> => send(privateAgent, `${privateUrl}${path}`, call);
      const api: TestBridge['api'] = async (method, path, body, headers = {}) => {
        const answer = await privateCall(path, { method, headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
        return { ...answer, json: answer.body.startsWith('{') ? (JSON.parse(answer.body) as ApiAnswer['json']) : {} };
      };
      const end = async (signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> => {
        program.signal(signal);
        const code = await program.ended;
        agent.destroy();
        privateAgent.destroy();
        return code;
      };
      return {
        program,
        call: (path, call = {}) => send(agent, `${ingress}${path}`, call),
        private: privateCall,
        api,
        async metric(series) {
          const { body } = await privateCall('/metrics');
          const line = body.split('\n').find((one) => one.startsWith(`${series} `));
          return line === undefined ? Number.NaN : Number(line.slice(series.length + 1));
        },
        kill: async () => void await end('SIGKILL'),
        stop: () => end('SIGTERM'),
      };
    },
  };
};
