import { IoTClient } from '@aws-sdk/client-iot';
import { readFileSync } from 'node:fs';
import type { Test } from 'tap';
import { until } from '../../support/until.js';
import { createHome, type BridgeHome, type TestBridge } from './bridge.js';
import { startSandbox, type TestBroker } from './broker.js';

/** A sandbox with the registry's API, and a bridge whose connections are made while it runs. */
export interface LiveScene {
  readonly broker: TestBroker;
  readonly home: BridgeHome;
  readonly bridge: TestBridge;
  /** `http://127.0.0.1:PORT` of the registry. */
  readonly registry: string;
}

/** Where the sandbox is. */
export type SandboxPlaces = Pick<LiveScene, 'broker' | 'registry'>;

export interface LiveSceneOptions {
  readonly sandbox?: readonly string[];
  /** Changes of the configuration file, which by itself declares network servers and no connection. */
  readonly file?: object | ((at: SandboxPlaces) => object);
}

export const portOf = (broker: TestBroker, name: string): number => (broker.address[name] as { readonly port: number }).port;

export const startLiveBridge = async (t: Test, home: BridgeHome): Promise<TestBridge> => {
  const bridge = await home.start();
  t.teardown(() => bridge.kill());
  return bridge;
};

const isMade = (file: object): file is (at: SandboxPlaces) => object => typeof file === 'function';

const fileOf = (file: Exclude<LiveSceneOptions['file'], undefined>, places: SandboxPlaces): object => (isMade(file) ? file(places) : file);

export const setLiveScene = async (t: Test, { sandbox = [], file = {} }: LiveSceneOptions = {}): Promise<LiveScene> => {
  const broker = await startSandbox(['--api-port', '0', '--wss-port', '0', ...sandbox]);
  t.teardown(() => broker.stop());
  const registry = `http://127.0.0.1:${portOf(broker, 'api')}`;
  const home = await createHome(broker, {}, { connections: [], ...fileOf(file, { broker, registry }) });
  t.teardown(() => home.remove());
  return { broker, home, bridge: await startLiveBridge(t, home), registry };
};

export const deviceType = 'lorawan-device';

/** The access key of the sandbox. */
export const accessKeyOf = ({ address }: TestBroker): { readonly id: string; readonly secret: string } => address['accessKey'] as { readonly id: string; readonly secret: string };

/** A client of the sandbox's registry, with its access key; ends with the test. */
export const registryClient = (t: Test, { broker, registry }: SandboxPlaces): IoTClient => {
  const client = new IoTClient({ endpoint: registry, region: 'eu-west-1', credentials: { accessKeyId: accessKeyOf(broker).id, secretAccessKey: accessKeyOf(broker).secret } });
  t.teardown(() => client.destroy());
  return client;
};

/** A connection as ThingPark X IoT Flow writes it, with the keys that lead to the sandbox instead of AWS. */
export const seedConnection = ({ broker, registry }: SandboxPlaces, configuration: object = {}, more: object = {}): object => ({
  connectorId: 'actility-aws-iot',
  name: 'Seed',
  active: true,
  configuration: {
    uplinkTopicPattern: 'tpx/things/{DevEUI}/uplink',
    downlinkTopicPattern: 'tpx/things/{DevEUI}/downlink',
    deviceType,
    region: 'eu-west-1',
    accountPrefix: 'a1b2c3d4e5f6g7-ats',
    accessKeyId: accessKeyOf(broker).id,
    secretAccessKey: accessKeyOf(broker).secret,
    certificateId: String(broker.address['certificateArn']),
    certificate: readFileSync(broker.certificate, 'utf8'),
    privateKey: readFileSync(broker.privateKey, 'utf8'),
    endpoint: broker.endpoint,
    caCertificate: readFileSync(broker.caCertificate, 'utf8'),
    registryEndpoint: registry,
    ...configuration,
  },
  ...more,
});

/** Makes a resource. @throws when it is refused */
export const make = async (bridge: TestBridge, path: string, document: object): Promise<Readonly<Record<string, unknown>>> => {
  const { status, body, json } = await bridge.api('POST', path, document);
  if (status !== 201) throw new Error(`${path} answered ${status}: ${body}`);
  return json;
};

/** Makes a connection and waits until its sessions stand. Resolves with its id. */
export const openConnection = async (scene: LiveScene, configuration: object = {}, more: object = {}, state = 'OPENED'): Promise<string> => {
  const { id } = await make(scene.bridge, '/connections', seedConnection(scene, configuration, more));
  await untilState(scene.bridge, String(id), state);
  return String(id);
};

/** The state of a connection and of its subscription. */
export const untilState = (bridge: TestBridge, id: string, state: string): Promise<void> =>
  until(`connection ${id} being ${state}`, async () => {
    const { json } = await bridge.api('GET', `/connections/${id}`);
    const downlinks = json['downlinks'] as { readonly state: string } | undefined;
    return json['state'] === state && (state !== 'OPENED' || downlinks === undefined || downlinks.state === state);
  });

export interface PostedUplink {
  readonly devEui: string;
  readonly fCnt: number;
  readonly payload?: string;
  readonly tags?: readonly string[];
}

/** One uplink as ThingPark posts it; resolves with the status of the answer. */
export const postUplink = async (bridge: TestBridge, { devEui, fCnt, payload = '00ff', tags = [] }: PostedUplink): Promise<number> => {
  const body = { DevEUI_uplink: { Time: new Date().toISOString(), DevEUI: devEui.toUpperCase(), FPort: 1, FCntUp: fCnt, payload_hex: payload, MType: 2, CustomerID: '100', CustomerData: { tags }, LrrRSSI: -80, LrrSNR: 7, SpFact: 7 } };
  const { status } = await bridge.call('/in/thingpark', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return status;
};
