import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { openCertificateStore } from '../../../src/sandbox/certificate-files.js';
import { freePort } from '../../support/free-port.js';
import { startBridgeProgram, startProgram, type Line, type Program } from './program.js';
import { createReceived, type Received, type ReceivedMessages } from './received.js';

/** Something that stands in for AWS IoT Core, and can go away. */
export interface TestBroker {
  readonly kind: 'sandbox' | 'mosquitto';
  readonly endpoint: string;
  readonly caCertificate: string;
  readonly certificate: string;
  readonly privateKey: string;
  /** Sandbox only: its first line, with the ports of its other listeners and its access key. */
  readonly address: Line;
  readonly received: ReceivedMessages;
  cut(): Promise<void>;
  blackhole(): Promise<void>;
  restore(): Promise<void>;
  /** Publishes as an application at AWS, at QoS 1 and in this order. Resolves when the broker has all of them. */
  publish(messages: readonly Received[]): Promise<void>;
  /** Sandbox only: a control command and its answer. */
  control(command: Line): Promise<Line>;
  stop(): Promise<void>;
}

const stopProgram = async (program: Program): Promise<void> => {
  program.signal('SIGCONT');
  program.signal('SIGTERM');
  const late = setTimeout(() => program.signal('SIGKILL'), 5_000);
  await program.ended;
  clearTimeout(late);
};

/** Sends publishes without waiting for each answer: answers come in order, so counting them is enough. */
const createAwsSide = (program: Program): TestBroker['publish'] => {
  let sent = 0;
  let answered = 0;
  const waiting = new Set<{ readonly until: number; readonly resolve: () => void; readonly reject: (error: Error) => void }>();
  program.onLine((line) => {
    const isDone = line['event'] === 'done' && line['do'] === 'publish';
    if (!isDone && line['event'] !== 'error') return;
    if (isDone) answered += 1;
    for (const one of waiting) {
      if (isDone && answered < one.until) continue;
      waiting.delete(one);
      if (isDone) one.resolve();
      else one.reject(new Error(String(line['message'])));
    }
  });
  return (messages) =>
    new Promise((resolve, reject) => {
      sent += messages.length;
      if (messages.length === 0) return resolve();
      waiting.add({ until: sent, resolve, reject });
      for (const { topic, payload } of messages) program.send({ do: 'publish', topic, payload });
    });
};

/** The certificates that the first sandbox of this process made, by the names of their files; the others take them over, which is quicker than to make them. */
const made = new Map<string, string>();

const takeOver = (dir: string): Promise<unknown> => Promise.all([...made].map(([name, text]) => writeFile(join(dir, name), text, { mode: 0o600 })));

const keep = async (dir: string): Promise<void> => {
  if (made.size > 0) return;
  const names = (await readdir(dir)).filter((name) => /\.(pem|key)$/.test(name));
  for (const [name, text] of await Promise.all(names.map(async (name) => [name, await readFile(join(dir, name), 'utf8')] as const))) made.set(name, text);
};

export const startSandbox = async (args: readonly string[] = []): Promise<TestBroker> => {
  const dir = await mkdtemp(join(tmpdir(), 'bridge-sandbox-'));
  await takeOver(dir);
  // Not one of the system's choice: once it has left that for a while, another process may have it.
  const program = startBridgeProgram(['sandbox', '--data-dir', dir, '--mqtt-port', String(await freePort()), '--json', ...args]);
  const address = await program.waitFor('the sandbox', (line) => 'mqtt' in line);
  await keep(dir);
  const received = createReceived();
  program.onLine((line) => {
    if (line['event'] === 'publish') received.add({ topic: String(line['topic']), payload: String(line['payload']) });
  });
  const control = async (command: Line): Promise<Line> => {
    const seen = program.lines.length;
    program.send(command);
    const answer = await program.waitFor(`the answer to ${String(command['do'])}`, (line) => program.lines.indexOf(line) >= seen && (line['event'] === 'error' || (line['event'] === 'done' && line['do'] === command['do'])));
    if (answer['event'] === 'error') throw new Error(String(answer['message']));
    return answer;
  };
  return {
    kind: 'sandbox',
    endpoint: `localhost:${(address['mqtt'] as { port: number }).port}`,
    caCertificate: String(address['caCertificate']),
    certificate: String(address['certificate']),
    privateKey: String(address['privateKey']),
    address,
    received,
    publish: createAwsSide(program),
    control,
    cut: async () => void (await control({ do: 'cut' })),
    blackhole: async () => void (await control({ do: 'blackhole' })),
    restore: async () => void (await control({ do: 'restore' })),
    async stop() {
      await stopProgram(program);
      await rm(dir, { recursive: true, force: true });
    },
  };
};

/** No delay and no bound on what an observer may have queued: both would distort what is counted. */
const mosquittoConfig = (port: number, certificates: Awaited<ReturnType<typeof openCertificateStore>>): string =>
  [
    `listener ${port} 127.0.0.1`, `cafile ${certificates.ca.certificatePath}`, `certfile ${certificates.server.certificatePath}`, `keyfile ${certificates.server.privateKeyPath}`,
    'require_certificate true', 'use_identity_as_username true', 'set_tcp_nodelay true', 'max_queued_messages 0', 'max_inflight_messages 0', 'persistence false', 'user root', 'log_dest stderr', 'log_type notice', '',
  ].join('\n');

export const startMosquitto = async (): Promise<TestBroker> => {
  const dir = await mkdtemp(join(tmpdir(), 'bridge-mosquitto-'));
  const certificates = await openCertificateStore(dir);
  const bridge = await certificates.client('bridge');
  const observerFiles = await certificates.client('observer');
  const port = await freePort();
  const config = join(dir, 'mosquitto.conf');
  await writeFile(config, mosquittoConfig(port, certificates));
  const received = createReceived();
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin`;
  let program: Program;
  let observer: MqttClient;

  /** Mosquitto says nothing when it listens: the observer's connect is the proof, tried for a bounded time. */
  const observe = async (): Promise<void> => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        observer = await connectAsync(`mqtts://localhost:${port}`, { protocolVersion: 5, reconnectPeriod: 0, ca: readFileSync(certificates.ca.certificatePath), cert: readFileSync(observerFiles.certificatePath), key: readFileSync(observerFiles.privateKeyPath) });
        break;
      } catch (error) {
        if (attempt >= 5_000) throw error;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    observer.on('error', () => undefined);
    observer.on('message', (topic, payload) => received.add({ topic, payload: payload.toString('utf8') }));
    await observer.subscribeAsync('#', { qos: 1 });
  };
  const start = async (): Promise<void> => {
    program = startProgram('mosquitto', ['-c', config], { ...process.env, PATH: path });
    await observe();
  };
  await start();
  let paused = false;
  return {
    kind: 'mosquitto',
    endpoint: `localhost:${port}`,
    caCertificate: certificates.ca.certificatePath,
    certificate: bridge.certificatePath,
    privateKey: bridge.privateKeyPath,
    address: {},
    received,
    publish: async (messages) => void (await Promise.all(messages.map(({ topic, payload }) => observer.publishAsync(topic, payload, { qos: 1 })))),
    control: () => Promise.reject(new Error('Mosquitto takes no control commands')),
    async cut() {
      program.signal('SIGKILL');
      await program.ended;
      await observer.endAsync(true);
    },
    async blackhole() {
      paused = true;
      program.signal('SIGSTOP');
    },
    async restore() {
      if (paused) program.signal('SIGCONT');
      else await start();
      paused = false;
    },
    async stop() {
      await observer.endAsync(true);
      await stopProgram(program);
      await rm(dir, { recursive: true, force: true });
    },
  };
};
