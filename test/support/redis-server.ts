import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';

/** A redis-server of its own on loopback, with its data in a temporary folder. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Of the process that runs now. */
  readonly pid: number | undefined;
  /** Stops it with SIGSTOP: it keeps its connections and answers nobody. */
  pause(): void;
  resume(): void;
  /** Ends it with SIGKILL; what it has answered stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port with the same data, after `kill`. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** Settings that differ, such as `{ appendonly: 'no' }`; a list is several words. With `appendfsync everysec` a kill may lose what was answered while the disk was slow. */
  readonly settings?: Readonly<Record<string, string | readonly string[]>>;
  /** A port where it shall listen; a free one by default. */
  readonly port?: number;
  /** Whether the port speaks TLS only; needs `tls-cert-file` and `tls-key-file`. */
  readonly tls?: boolean;
  /** Before the host in `url`, such as `user:password@`. */
  readonly credentials?: string;
}

const startMs = 15_000;

const accepts = (port: number): Promise<boolean> => new Promise((resolve) => {
  const socket = connect({ port, host: '127.0.0.1' });
  const end = (open: boolean): void => {
    socket.destroy();
    resolve(open);
  };
  socket.once('connect', () => { end(true); });
  socket.once('error', () => { end(false); });
});

const settingsOf = (port: number, dir: string, { settings = {}, tls = false }: RedisServerOptions): string[] => {
  const all = { bind: '127.0.0.1', port: tls ? '0' : String(port), ...(tls ? { 'tls-port': String(port) } : {}), dir, appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction', save: '', ...settings };
  return Object.entries(all).flatMap(([name, value]) => [`--${name}`, ...(typeof value === 'string' ? [value] : value)]);
};

/** Starts the program with these arguments, and waits until it listens. */
export const launchRedis = async (args: readonly string[], port: number): Promise<ChildProcess> => {
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (text: Buffer) => { output = `${output}${text.toString()}`.slice(-2_000); });
  let failure: Error | undefined;
  server.once('error', (error) => { failure = new Error(`redis-server cannot be started (install it: apt-get install redis-server): ${error.message}`); });
  server.once('exit', (code) => { failure ??= new Error(`redis-server ended with ${code}: ${output}`); });
  const limit = performance.now() + startMs;
  while (!(await accepts(port))) {
    if (failure !== undefined) throw failure;
    if (performance.now() > limit) throw new Error(`redis-server did not listen within ${startMs} ms: ${output}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return server;
};

export const endRedis = async (server: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, 'exit');
  server.kill(signal);
  await exited;
};

/** Starts one; `stop` must be called, best with `t.teardown`. */
export const startRedisServer = async (options: RedisServerOptions = {}): Promise<RedisServer> => {
  const dir = await mkdtemp(join(tmpdir(), 'redis-'));
  const port = options.port ?? (await freePort());
  const args = settingsOf(port, dir, options);
  let server = await launchRedis(args, port);
  return {
    url: `${options.tls === true ? 'rediss' : 'redis'}://${options.credentials ?? ''}127.0.0.1:${port}`,
    port,
    get pid() { return server.pid; },
    pause() { server.kill('SIGSTOP'); },
    resume() { server.kill('SIGCONT'); },
    kill: () => endRedis(server, 'SIGKILL'),
    async restart() {
      await endRedis(server, 'SIGKILL');
      server = await launchRedis(args, port);
    },
    async stop() {
      await endRedis(server, 'SIGKILL');
      await rm(dir, { recursive: true, force: true });
    },
  };
};
