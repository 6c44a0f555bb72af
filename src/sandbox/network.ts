import type { AccessKeys } from './access-key.js';
import { createQuotas, type Gate } from './api/admit-call.js';
import { createApiListener } from './api/api-listener.js';
import type { ApiRules } from './api/api-misbehaviour.js';
import { createCloud } from './api/cloud.js';
import type { Broker } from './broker.js';
import { createCertificateDoor } from './certificate-door.js';
import type { CertificateStore } from './certificate-files.js';
import type { Iam } from './iam.js';
import { createListener, type Listener } from './listener.js';
import type { NetworkAddress } from './sandbox-address.js';
import { createWebSocketDoor } from './websocket-door.js';

/** Where to listen; 0 = a free port, absent = not at all. */
export interface NetworkPorts {
  readonly host: string;
  readonly port: number;
  readonly wssPort: number | undefined;
  readonly apiPort: number | undefined;
}

/** What the listeners serve. */
export interface NetworkParts {
  readonly broker: Broker;
  readonly certificates: CertificateStore;
  readonly keys: AccessKeys;
  readonly iam: Iam;
  readonly apiRules: ApiRules;
  readonly externalId: string | undefined;
}

/** The open listeners. A cut or blackholed network is that of MQTT, also over WebSocket; the API stays as it is. */
export interface Network extends Omit<Listener, 'listen'> {
  readonly mqtt: NetworkAddress;
  readonly wss?: NetworkAddress;
  readonly api?: NetworkAddress;
}

type Close = () => Promise<void>;

const openApi = async ({ broker, certificates, keys, iam, apiRules, externalId }: NetworkParts, port: number, mqtt: NetworkAddress): Promise<{ address: NetworkAddress; close: Close }> => {
  const cloud = createCloud({ limits: broker.limits, registry: broker.registry, ca: certificates.ca, endpoint: `localhost:${mqtt.port}` });
  const gate: Gate = { keys, iam, rules: apiRules, books: broker.books, quotas: createQuotas(broker.limits) };
  const listener = createApiListener({ gate, cloud, externalId });
  return { address: { host: mqtt.host, port: await listener.listen(port, mqtt.host) }, close: () => listener.close() };
};

/** Opens every listener, or none: what was opened before one failed is closed. */
export const openNetwork = async (ports: NetworkPorts, parts: NetworkParts): Promise<Network> => {
  const { broker, certificates, keys, iam } = parts;
  const { server } = certificates;
  const { host } = ports;
  const listeners: Listener[] = [];
  const closes: Close[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(closes.map((end) => end()));
  };
  const open = async (listener: Listener, port: number): Promise<NetworkAddress> => {
    const address = { host, port: await listener.listen(port, host) };
    listeners.push(listener);
    closes.push(() => listener.close());
    return address;
  };
  try {
    const mqtt = await open(createListener(broker, createCertificateDoor({ broker, ca: certificates.ca, server })), ports.port);
    const wss = ports.wssPort === undefined ? undefined : await open(createListener(broker, createWebSocketDoor({ server, keys, iam, books: broker.books })), ports.wssPort);
    const api = ports.apiPort === undefined ? undefined : await openApi(parts, ports.apiPort, mqtt);
    if (api !== undefined) closes.push(api.close);
    return {
      mqtt,
      ...(wss === undefined ? {} : { wss }),
      ...(api === undefined ? {} : { api: api.address }),
      cut: async () => void (await Promise.all(listeners.map((listener) => listener.cut()))),
      blackhole: () => {
        for (const listener of listeners) listener.blackhole();
      },
      restore: async () => void (await Promise.all(listeners.map((listener) => listener.restore()))),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};
