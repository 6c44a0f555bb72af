import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCertificateStore, type CertificateStore } from '../src/sandbox/certificate-files.js';
import { startProgram, type Program } from '../test/end-to-end/support/program.js';
import { freePort } from '../test/support/free-port.js';
import { until } from '../test/support/until.js';

/** What a client needs to open sessions with mutual TLS; the sandbox of the tests has it too. */
export interface BrokerAddress {
  /** `localhost:PORT`. */
  readonly endpoint: string;
  /** PEM files. */
  readonly caCertificate: string;
  readonly certificate: string;
  readonly privateKey: string;
}

/** Mosquitto on loopback, in place of AWS IoT Core, without any quota. */
export interface BenchBroker extends BrokerAddress {
  readonly pid: number;
  /** A second port, on loopback without TLS, for whoever only watches: encrypting its copies would cost the broker what the targets need. */
  readonly plainPort: number;
  /** It keeps its connections and answers nobody, so that targets gather a backlog. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

interface Ports {
  readonly secure: number;
  readonly plain: number;
}

/** Nothing is written, held back or dropped: what the broker costs is the least that it can cost. */
const configuration = ({ secure, plain }: Ports, { ca, server }: CertificateStore): string =>
  [
    'allow_anonymous true', 'set_tcp_nodelay true', 'max_queued_messages 0', 'max_inflight_messages 0', 'persistence false', 'user root', 'log_dest stderr', 'log_type error',
    `listener ${secure} 127.0.0.1`, `cafile ${ca.certificatePath}`, `certfile ${server.certificatePath}`, `keyfile ${server.privateKeyPath}`, 'require_certificate true', 'use_identity_as_username true',
    `listener ${plain} 127.0.0.1`, '',
  ].join('\n');

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const end = (open: boolean): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });

const listening = async (program: Program, ports: Ports): Promise<void> => {
  const ended = program.ended.then((code) => {
    throw new Error(`mosquitto ended (${String(code)}): ${program.stderr()}`);
  });
  await Promise.race([ended, until('mosquitto to listen', async () => (await accepts(ports.secure)) && (await accepts(ports.plain)))]);
};

/** How long a program may take to end when it is asked to; then it is killed, ms. */
const politeMs = 5_000;

/** SIGTERM, and SIGKILL when that is not enough. Resolves when the process is gone. */
export const endProgram = async (program: Program): Promise<void> => {
  // A process that was paused hears SIGTERM only when it goes on.
  program.signal('SIGTERM');
  program.signal('SIGCONT');
  const late = setTimeout(() => program.signal('SIGKILL'), politeMs);
  await program.ended;
  clearTimeout(late);
};

/** Starts one with certificates of its own; `stop` removes them. */
export const startBroker = async (): Promise<BenchBroker> => {
  const dir = await mkdtemp(join(tmpdir(), 'bench-broker-'));
  const certificates = await openCertificateStore(dir);
  const client = await certificates.client('bench');
  const ports = { secure: await freePort(), plain: await freePort() };
  const file = join(dir, 'mosquitto.conf');
  await writeFile(file, configuration(ports, certificates));
  const program = startProgram('mosquitto', ['-c', file], { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` });
  const stop = async (): Promise<void> => {
    await endProgram(program);
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await listening(program, ports);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoint: `localhost:${ports.secure}`,
    caCertificate: certificates.ca.certificatePath,
    certificate: client.certificatePath,
    privateKey: client.privateKeyPath,
    plainPort: ports.plain,
    pid: program.pid,
    pause: () => program.signal('SIGSTOP'),
    resume: () => program.signal('SIGCONT'),
    stop,
  };
};
