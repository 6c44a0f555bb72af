import { BridgeError } from '../errors.js';
import { openAccessKeys, type AccessKey } from './access-key.js';
import { createApiRules, type ApiMisbehaviour } from './api/api-misbehaviour.js';
import type { AcceptedPublish, SandboxNotice, SandboxStats, Unsubscribe } from './books.js';
import { createBroker } from './broker.js';
import { openCertificateStore, type CertificateFiles, type CertificateStore } from './certificate-files.js';
import { createIam } from './iam.js';
import { awsLimits, type SandboxLimits } from './limits.js';
import type { Misbehaviour } from './misbehaviour.js';
import { openNetwork, type Network } from './network.js';
import { allowAll } from './policy.js';
import { certificateArnOf, certificateIdOf, type CertificateStatus, type RegisterOptions } from './registry.js';
import type { SandboxAddress } from './sandbox-address.js';
import { isLegalTopic } from './topic-rules.js';

export type { SandboxAddress } from './sandbox-address.js';

export interface SandboxOptions {
  /** Where certificates and keys are kept: made by the first run, used again by later ones. */
  readonly dataDir: string;
  /** Default 127.0.0.1; the server certificate names localhost, 127.0.0.1 and ::1. */
  readonly host?: string;
  /** Default 0: a free port. */
  readonly port?: number;
  /** Port of the API of AWS IoT Core and STS, plain HTTP; 0 = a free port; absent: no API. */
  readonly apiPort?: number;
  /** Port of MQTT over WebSocket, signed with SigV4; 0 = a free port; absent: none. */
  readonly wssPort?: number;
  /** What a caller of AssumeRole has to give as ExternalId; absent: anything will do. */
  readonly externalId?: string;
  /** Changes to `awsLimits`; 0 switches a limit off. */
  readonly limits?: Partial<SandboxLimits>;
  /** IoT policy of the bridge certificate; default: everything is allowed. */
  readonly policy?: unknown;
  /** Numbers from 0 up to, not including, 1, for shares of misbehaviour and for shared subscriptions; default `Math.random`. */
  readonly random?: () => number;
}

/** A client certificate of the sandbox. */
export interface ClientCertificate extends CertificateFiles {
  readonly certificateId: string;
  readonly certificateArn: string;
}

export interface ClientCertificateOptions extends RegisterOptions {
  /** False: signed by the sandbox's CA, but not in its registry. Default true. */
  readonly register?: boolean;
}

/** A message that comes from the AWS side. */
export interface AwsPublish {
  readonly topic: string;
  readonly payload: Buffer | string;
  /** Default 1. */
  readonly qos?: 0 | 1;
  readonly retain?: boolean;
}

/** A local stand-in for the message broker and the registry of AWS IoT Core. It is not AWS: docs and outputs have to say so. */
export interface Sandbox {
  /** Makes what is missing in the data directory, then listens. Things and sessions are new at each start. */
  start(): Promise<SandboxAddress>;
  stop(): Promise<void>;
  /** Closes the ports of MQTT and destroys every socket, as a cable that is pulled; `restore` opens the same ports again. The API stays. */
  cut(): Promise<void>;
  /** Keeps and accepts TCP connections, but reads and answers nothing. */
  blackhole(): void;
  /** Ends `cut` and `blackhole`. */
  restore(): Promise<void>;
  /** Replaces the rules of misbehaviour; `[]` ends it. @throws BridgeError `config_invalid` */
  misbehave(rules: readonly Misbehaviour[]): void;
  /** Closes the connection of a client as AWS's DeleteConnection does; false when it is not connected. */
  disconnect(clientId: string): boolean;
  /** Publishes as an application on the AWS side: no certificate, policy or quota is asked. @throws BridgeError `topic_invalid` */
  publish(message: AwsPublish): void;
  /** Makes (or finds) the client certificate `<name>.pem`, and registers it. */
  createCertificate(name: string, options?: ClientCertificateOptions): Promise<ClientCertificate>;
  /** Default: the bridge's certificate. Leaving ACTIVE closes its connections. @throws BridgeError `config_invalid` */
  setCertificateStatus(status: CertificateStatus, certificateId?: string): void;
  /** Replaces the policies of a certificate by one; default: the bridge's. @throws BridgeError `config_invalid` */
  setPolicy(document: unknown, certificateId?: string): void;
  /** Replaces the IAM policy of the access key and of all keys that AssumeRole gave; at first everything is allowed. @throws BridgeError `config_invalid` */
  setIamPolicy(document: unknown): void;
  /** Replaces the rules of misbehaviour of the API; `[]` ends it. @throws BridgeError `config_invalid` */
  misbehaveApi(rules: readonly ApiMisbehaviour[]): void;
  /** Calls for each publish of a client that the broker accepted, in order. */
  onPublish(listener: (publish: AcceptedPublish) => void): Unsubscribe;
  onNotice(listener: (notice: SandboxNotice) => void): Unsubscribe;
  stats(): SandboxStats;
}

interface Running {
  readonly certificates: CertificateStore;
  readonly network: Network;
  readonly address: SandboxAddress;
}

const identify = (files: CertificateFiles): ClientCertificate => {
  const certificateId = certificateIdOf(files.certificate);
  return { ...files, certificateId, certificateArn: certificateArnOf(certificateId) };
};

const addressOf = (network: Network, bridge: ClientCertificate, { certificates, key }: { certificates: CertificateStore; key: AccessKey }): SandboxAddress => ({
  ...network.mqtt,
  caCertificate: certificates.ca.certificatePath,
  certificate: bridge.certificatePath,
  privateKey: bridge.privateKeyPath,
  certificateId: bridge.certificateId,
  certificateArn: bridge.certificateArn,
  accessKeyId: key.accessKeyId,
  secretAccessKey: key.secretAccessKey,
  ...(network.api === undefined ? {} : { api: network.api }),
  ...(network.wss === undefined ? {} : { wss: network.wss }),
});

export const createSandbox = (options: SandboxOptions): Sandbox => {
  const { host = '127.0.0.1', port = 0, policy = allowAll, random = Math.random } = options;
  const broker = createBroker({ ...awsLimits, ...options.limits }, random);
  const iam = createIam();
  const apiRules = createApiRules(random);
  let running: Running | undefined;

  const whileRunning = (): Running => {
    if (running === undefined) throw new BridgeError('internal_error', { detail: 'the sandbox is not started' });
    return running;
  };

  const start = async (): Promise<SandboxAddress> => {
    if (running !== undefined) return running.address;
    const certificates = await openCertificateStore(options.dataDir);
    const keys = await openAccessKeys(options.dataDir);
    const bridge = identify(await certificates.client('bridge'));
    broker.registry.register(bridge.certificate, { policies: [policy] });
    const { apiPort, wssPort, externalId } = options;
    const network = await openNetwork({ host, port, apiPort, wssPort }, { broker, certificates, keys, iam, apiRules, externalId });
    const address = addressOf(network, bridge, { certificates, key: keys.own });
    running = { certificates, network, address };
    return address;
  };

  const stop = async (): Promise<void> => {
    const stopping = running;
    running = undefined;
    await stopping?.network.close();
    broker.sessions.clear();
    broker.wills.clear();
  };

  return {
    start,
    stop,
    cut: () => whileRunning().network.cut(),
    blackhole: () => whileRunning().network.blackhole(),
    restore: () => whileRunning().network.restore(),
    misbehave: (rules) => broker.rules.replace(rules),
    disconnect: (clientId) => {
      const client = broker.online.get(clientId);
      client?.close('administrative');
      return client !== undefined;
    },
    publish: ({ topic, payload, qos = 1, retain = false }) => {
      if (!isLegalTopic(topic, broker.limits)) throw new BridgeError('topic_invalid', { detail: `${topic} cannot be published on` });
      broker.router.route({ topic, payload: Buffer.from(payload as Buffer), qos, retain, publisher: '' });
    },
    createCertificate: async (name, { register = true, ...registerOptions } = {}) => {
      const made = identify(await whileRunning().certificates.client(name));
      if (register) broker.registry.register(made.certificate, registerOptions);
      return made;
    },
    setCertificateStatus: (status, certificateId) => broker.registry.setStatus(certificateId ?? whileRunning().address.certificateId, status),
    setPolicy: (document, certificateId) => broker.registry.setPolicies(certificateId ?? whileRunning().address.certificateId, [document]),
    setIamPolicy: (document) => iam.replace(document),
    misbehaveApi: (rules) => apiRules.replace(rules),
    onPublish: (listener) => broker.books.onPublish(listener),
    onNotice: (listener) => broker.books.onNotice(listener),
    stats: () => broker.books.stats(),
  };
};
