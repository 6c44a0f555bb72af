import { readFile } from 'node:fs/promises';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import type { Test } from 'tap';
import type { SandboxNotice } from '../../../src/sandbox/books.js';
import { createSandbox, type Sandbox, type SandboxAddress, type SandboxOptions } from '../../../src/sandbox/sandbox.js';
import { testDir } from '../../support/test-dir.js';

export interface Running {
  readonly sandbox: Sandbox;
  readonly address: SandboxAddress;
}

/** A sandbox on a free port with certificates of its own, stopped when the test ends. */
export const startSandbox = async (t: Test, options: Omit<SandboxOptions, 'dataDir'> = {}): Promise<Running> => {
  const sandbox = createSandbox({ dataDir: testDir(t), ...options });
  t.teardown(() => sandbox.stop());
  return { sandbox, address: await sandbox.start() };
};

const boundMs = 10_000;

/** The promise, or a failure that names what did not happen in time. */
export const within = async <T>(what: string, promise: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not in time: ${what}`)), boundMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};

export interface Credentials {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** What a client needs to come in with a certificate. */
export type CertificateAddress = Pick<SandboxAddress, 'host' | 'port' | 'caCertificate' | 'certificate' | 'privateKey'>;

/** The PEM files of a certificate; the bridge's by default. */
export const credentialsOf = async (
  address: CertificateAddress,
  paths: { certificate: string; privateKey: string } = address,
): Promise<Credentials> => {
  const [ca, cert, key] = await Promise.all([address.caCertificate, paths.certificate, paths.privateKey].map((path) => readFile(path)));
  return { ca: ca as Buffer, cert: cert as Buffer, key: key as Buffer };
};

/** A connected client of the MQTT library that does not reconnect, ended with the test. */
export const connectLibrary = async (t: Test, address: SandboxAddress, options: IClientOptions = {}): Promise<MqttClient> => {
  const client = mqtt.connect({
    protocol: 'mqtts',
    host: 'localhost',
    port: address.port,
    reconnectPeriod: 0,
    protocolVersion: 5,
    ...(await credentialsOf(address)),
    ...options,
  });
  t.teardown(() => void client.end(true));
  client.on('error', () => undefined);
  await within('connect', new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
    client.once('close', () => reject(new Error('closed')));
  }));
  return client;
};

/** The next notice of the sandbox that the test looks for. */
export const nextNotice = <K extends SandboxNotice['kind']>(sandbox: Sandbox, kind: K): Promise<Extract<SandboxNotice, { kind: K }>> =>
  within(
    kind,
    new Promise((resolve) => {
      const stop = sandbox.onNotice((notice) => {
        if (notice.kind !== kind) return;
        stop();
        resolve(notice as Extract<SandboxNotice, { kind: K }>);
      });
    }),
  );
