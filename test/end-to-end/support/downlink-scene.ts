import t, { type Test } from 'tap';
import { startRedisServer, type RedisServer } from '../../support/redis-server.js';
import { comesTrue } from '../../support/until.js';
import { apiKey, createHome, type BridgeHome, type TestBridge } from './bridge.js';
import { startSandbox, type TestBroker } from './broker.js';
import { apiSecrets, type DownlinkApi } from './downlink-api.js';
import { startNetworkServer, type NetworkServer } from './network-server.js';
import { report, reportsOf } from './reports.js';
import { unpaced } from './scenarios.js';
import { createStatusLog, type StatusLog } from './status-log.js';

/** Where downlinks wait. */
export type QueueKind = 'local' | 'redis';

/** Everything around a bridge that carries downlinks. */
export interface DownlinkScene {
  readonly broker: TestBroker;
  readonly home: BridgeHome;
  /** A second bridge on the same Redis and the same AWS account. */
  readonly otherHome: BridgeHome;
  readonly redis: RedisServer | undefined;
  readonly statuses: StatusLog;
  /** @throws when no network server has the id */
  server(id: string): NetworkServer;
}

export interface SceneOptions {
  readonly queue: QueueKind;
  readonly servers?: Readonly<Record<string, DownlinkApi>>;
  /** Settings of `downlink`, by the id of the network server. */
  readonly downlink?: Readonly<Record<string, object>>;
  /** Of the connection. */
  readonly configuration?: object;
  readonly sigfox?: object;
  readonly broker?: () => Promise<TestBroker>;
}

/** Runs a test on both queues. */
export const onBothQueues = (name: string, run: (t: Test, queue: QueueKind) => Promise<void>): void => {
  for (const queue of ['local', 'redis'] as const) void t.test(`${name} (queue: ${queue})`, (t) => run(t, queue));
};

/** A broker without AWS's quotas: what is measured is the bridge. */
export const openSandbox = (): Promise<TestBroker> => startSandbox(['--publish-limit', '0', '--limit', 'bytesPerSecond=0', '--limit', 'storedPerSecond=0']);

/** Starts it; it ends with the test. */
const startOf = async <T extends { stop(): Promise<void> }>(t: Test, start: () => Promise<T>): Promise<T> => {
  const started = await start();
  t.teardown(() => started.stop());
  return started;
};

const startServers = async (t: Test, apis: Readonly<Record<string, DownlinkApi>>): Promise<readonly NetworkServer[]> => {
  const servers = await Promise.all(Object.entries(apis).map(([id, api]) => startNetworkServer(api, id)));
  for (const server of servers) t.teardown(() => server.stop());
  return servers;
};

/** Network servers, AWS, Redis where the queue needs it, and the homes of two bridges; all end with the test. */
export const setDownlinkScene = async (t: Test, { queue, servers: apis = { chirpstack: 'chirpstack' }, downlink = {}, configuration = {}, sigfox = {}, broker: startBroker = openSandbox }: SceneOptions): Promise<DownlinkScene> => {
  const [broker, redis, servers] = await Promise.all([startOf(t, startBroker), queue === 'redis' ? startOf(t, startRedisServer) : undefined, startServers(t, apis)]);
  const networkServers = [
    { id: 'factory', kind: 'chirpstack', authenticate: { header: { name: 'x-api-key', value: apiKey } } },
    { id: 'sigfox', kind: 'sigfox', authenticate: 'none', downlink: sigfox },
    ...servers.map((server) => server.entry(downlink[server.id])),
  ];
  const more = { networkServers, ...(redis === undefined ? {} : { redis: { url: redis.url } }) };
  const home = await createHome(broker, { ...unpaced, ...configuration }, more);
  t.teardown(() => home.remove());
  const otherHome = await createHome(broker, { ...unpaced, ...configuration }, more);
  t.teardown(() => otherHome.remove());
  return {
    broker,
    home,
    otherHome,
    redis,
    statuses: createStatusLog(broker.received),
    server: (id) => {
      const server = servers.find((one) => one.id === id);
      if (server === undefined) throw new Error(`no network server ${id}`);
      return server;
    },
  };
};

let lastCounter = 0;

/** An uplink of the device reaches the bridge by this network server: from then on downlinks go there. */
export const hear = (bridge: TestBridge, { id, api }: NetworkServer, devEui: string): Promise<void> => {
  lastCounter += 1;
  return report(bridge, id, reportsOf[api].uplink(devEui, lastCounter));
};

interface HealthAnswer {
  readonly status: string;
  readonly problems: readonly { readonly component: string; readonly reason: string; readonly detail?: string }[];
}

export const healthOf = async (bridge: TestBridge): Promise<HealthAnswer> => JSON.parse((await bridge.private('/health')).body) as HealthAnswer;

/** Asks `/health` until it is so. @throws with its last answer when that takes too long */
export const untilHealth = async (bridge: TestBridge, what: string, wanted: (health: HealthAnswer) => boolean, timeoutMs = 30_000): Promise<HealthAnswer> => {
  let health: HealthAnswer | undefined;
  const isSo = await comesTrue(async () => wanted((health = await healthOf(bridge))), timeoutMs);
  if (!isSo || health === undefined) throw new Error(`/health did not say that ${what} in ${timeoutMs} ms: ${JSON.stringify(health)}`);
  return health;
};

/** Whether `/health` names the component, such as `redis` or `network server chirpstack`. */
export const names = (component: RegExp) => (health: HealthAnswer): boolean => health.problems.some((problem) => component.test(`${problem.component} ${problem.reason}`));

/** Whether the bridge is subscribed: what was published before its first subscription, AWS gives to nobody. */
const isSubscribed = (health: HealthAnswer): boolean => !names(/^downlinks of connection/)(health);

/** Starts a bridge and waits until it takes downlinks; it ends with the test at the latest. */
export const startBridge = async (t: Test, home: BridgeHome): Promise<TestBridge> => {
  const bridge = await home.start();
  t.teardown(() => bridge.kill());
  await untilHealth(bridge, 'it is subscribed', isSubscribed);
  return bridge;
};

/** Nothing that reached the network servers broke their API. */
export const expectNoViolations = (t: Test, scene: DownlinkScene, ids: readonly string[]): void => {
  for (const id of ids) t.strictSame(scene.server(id).violations, [], `${id} was called as its API wants it`);
};

/** No key of a downlink API stands in the log, on stderr, in a message to AWS, in the metrics or in the health. */
export const expectNoSecrets = async (t: Test, scene: DownlinkScene, bridge: TestBridge): Promise<void> => {
  const { body: metrics } = await bridge.private('/metrics');
  const { body: health } = await bridge.private('/health');
  const places = { log: JSON.stringify(bridge.program.lines), stderr: bridge.program.stderr(), messages: JSON.stringify(scene.broker.received.all), metrics, health };
  for (const [place, text] of Object.entries(places)) for (const secret of [apiSecrets.asKey, apiSecrets.apiToken]) t.notOk(text.includes(secret), `no key in ${place}`);
};
