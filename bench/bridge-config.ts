import { randomBytes } from 'node:crypto';
import { deviceIdOf } from './bodies.js';
import type { BrokerAddress } from './broker.js';

export interface BridgeOptions {
  readonly broker: BrokerAddress;
  readonly store: 'local' | 'redis';
  /** Needed with the store `redis`; with `local` the downlinks and the devices are in it all the same. Bridges on one Redis share what is there. */
  readonly redisUrl?: string;
  /** Processes on one port, which need `redisUrl`; default 1. */
  readonly workers?: number;
  /** Connections to AWS accounts, all of them to the broker; default 1. With more, each gets an equal share of the devices. */
  readonly connections?: number;
  /** Devices of the load, of which each connection gets its share: the first connection the first ones, and so on. Default 10,000, or those known. */
  readonly devices?: number;
  /** Topic of uplinks; the bridge's default when absent. */
  readonly topicPattern?: string;
  /** The first so many devices of the load are in the bridge's memory of devices before it starts, as ChirpStack names them; default 0. */
  readonly devicesKnown?: number;
  /** Settings of each connection over those below, such as a pace. */
  readonly configuration?: Readonly<Record<string, unknown>>;
  /** Keys of the file's top level over those below; `outbox` is laid over key by key. */
  readonly extra?: Readonly<Record<string, unknown>> & { readonly outbox?: Readonly<Record<string, unknown>> };
  /** An existing folder with the data of an earlier one, which stays after `stop`; a new temporary one by default. */
  readonly home?: string;
}

export interface Listeners {
  readonly ingress: number;
  readonly private: number;
}

const usualDevices = 10_000;

const networkServers = (['chirpstack', 'the-things-stack', 'thingpark', 'sigfox'] as const).map((kind) => ({ id: kind, kind, authenticate: 'none' }));

/** No pace: the quotas of AWS would be the limit. */
const unpaced = { publishesPerSecondPerClient: 0, bytesPerSecondPerClient: 0, publishesPerSecond: 0 };

/** Bridges on one Redis need the same. */
const secretsKey = randomBytes(32).toString('base64');

/** `main` alone, or `main-0`, `main-1` and so on. */
const connectionIds = (count: number): readonly string[] => (count === 1 ? ['main'] : Array.from({ length: count }, (_, index) => `main-${index}`));

interface Share {
  readonly id: string;
  /** The first device, and the one behind the last. */
  readonly from: number;
  readonly to: number;
}

/** Which devices each connection gets. */
export const sharesOf = ({ connections = 1, devicesKnown = 0, devices = Math.max(usualDevices, devicesKnown) }: Pick<BridgeOptions, 'connections' | 'devices' | 'devicesKnown'>): readonly Share[] => {
  const first = (index: number): number => Math.floor((index * devices) / connections);
  return connectionIds(connections).map((id, index) => ({ id, from: first(index), to: first(index + 1) }));
};

/** One flow a connection: what an operator with many accounts has. */
const flowsOf = (shares: readonly Share[]): object =>
  shares.length === 1 ? {} : { flows: shares.map(({ id, from, to }) => ({ id, matchers: [{ devices: [`${deviceIdOf('chirpstack', from)}-${deviceIdOf('chirpstack', to - 1)}`] }], connections: [id] })) };

const redisOf = ({ store, redisUrl }: BridgeOptions): object => {
  if (store === 'redis' && redisUrl === undefined) throw new Error('the store redis needs redisUrl');
  return redisUrl === undefined ? {} : { redis: { url: redisUrl }, secrets: { key: secretsKey } };
};

/** The file of a bridge under load: everybody may post, nothing is paced, and the log says only what is wrong. */
export const bridgeFile = (options: BridgeOptions, home: string, ports: Listeners): object => {
  const { broker, store, topicPattern, configuration = {}, extra = {} } = options;
  const shares = sharesOf(options);
  const settings = {
    endpoint: broker.endpoint, certificate_file: broker.certificate, privateKey_file: broker.privateKey, caCertificate_file: broker.caCertificate,
    ...unpaced, ...(topicPattern === undefined ? {} : { uplinkTopicPattern: topicPattern }), ...configuration,
  };
  const { outbox = {}, ...rest } = extra;
  return {
    dataDir: `${home}/data`,
    ingress: { host: '127.0.0.1', port: ports.ingress },
    private: { host: '127.0.0.1', port: ports.private },
    outbox: { store: store === 'local' ? 'disk' : 'redis', ...outbox },
    ...redisOf(options),
    networkServers,
    connections: shares.map(({ id }) => ({ id, connectorId: 'aws-iot', configuration: settings })),
    ...flowsOf(shares),
    log: { level: 'warn' },
    ...rest,
  };
};
