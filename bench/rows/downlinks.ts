import { randomBytes } from 'node:crypto';
import { connectAsync, type MqttClient } from 'mqtt';
import { numberedDownlinks } from '../../test/end-to-end/support/downlinks.js';
import { startRedisServer } from '../../test/support/redis-server.js';
import { until } from '../../test/support/until.js';
import { startBroker } from '../broker.js';
import { openBridge, type Loaded } from '../cases.js';
import { startDownlinkServer, type DownlinkServer } from '../downlink-server.js';
import { watchUsage } from '../proc.js';
import type { SeenName } from '../report/targets.js';
import type { Row } from '../row.js';
import { medianSample, type Sample } from '../sample.js';
import type { Scene } from '../scene.js';

/** Of a burst, for each second of a window: fewer than may wait for one connection, and enough to take a second or more to leave. */
const perSecondOfWindow = 1_000;
const devices = 1_000;
/** The highest pace that can be configured. */
const downlinksPerSecond = 10_000;
const boundMs = 60_000;
const storedSeries = 'lpwan_bridge_downlinks_received_total{connection="main",result="stored"}';

interface Parts {
  readonly loaded: Loaded;
  readonly server: DownlinkServer;
  readonly application: MqttClient;
}

interface Health {
  readonly problems: readonly { readonly component: string }[];
}

/** A connection that is not subscribed is a problem to /health. */
const isSubscribed = async ({ bridge }: Loaded): Promise<boolean> => {
  const { problems } = (await (await fetch(`${bridge.privateUrl}/health`)).json()) as Health;
  return problems.every(({ component }) => !component.startsWith('downlinks of connection'));
};

const open = async (scene: Scene, more: object): Promise<Parts> => {
  // Of its own: bridges of other rows have left sessions there, to which the broker hands a share of what bridges on one Redis share.
  const broker = await scene.own(startBroker());
  const server = await scene.own(startDownlinkServer());
  const networkServer = { id: 'chirpstack', kind: 'chirpstack', authenticate: 'none', downlink: { url: server.url, apiToken: 'bench', api: 'v4', timeout: '2m' } };
  const loaded = await openBridge(scene, { broker, configuration: { downlinksPerSecond, downlinkNetworkServer: networkServer.id }, extra: { networkServers: [networkServer], ...more } });
  const application = await connectAsync(`mqtt://127.0.0.1:${broker.plainPort}`, { protocolVersion: 5, reconnectPeriod: 0 });
  await scene.own(Promise.resolve({ stop: () => application.endAsync(true) }));
  await until('the subscription to downlinks', () => isSubscribed(loaded));
  return { loaded, server, application };
};

const storedBy = async ({ bridge }: Loaded): Promise<number> => (await bridge.metric(storedSeries)) || 0;

/** Publishes a burst while the network server holds still, and when all of it is stored sees how fast it leaves. */
const burst = async (scene: Scene, { loaded, server, application }: Parts, round: number): Promise<Sample> => {
  const { bridge } = loaded;
  const count = scene.seconds * perSecondOfWindow;
  const { messages } = numberedDownlinks({ devices, count, from: round * count });
  const [stored, taken, published] = [await storedBy(loaded), server.taken(), performance.now()];
  server.hold();
  await Promise.all(messages.map(({ topic, payload }) => application.publishAsync(topic, payload, { qos: 1 })));
  await until('all downlinks to be stored', async () => (await storedBy(loaded)) >= stored + count, boundMs);
  const storedPerSecond = (count * 1_000) / (performance.now() - published);
  await bridge.drained(); // the statuses that say so
  scene.tell(`${count} downlinks are stored`);
  const [released, watch] = [performance.now(), watchUsage(bridge.pids)];
  const done = server.until(taken + count, boundMs);
  server.release();
  const seconds = ((await done.finally(() => watch.stop())) - released) / 1_000;
  const usage = watch.soFar();
  await bridge.drained();
  return {
    perSecond: count / seconds,
    cpuMicrosPerUplink: usage.cpuMicros / count,
    writtenBytesPerUplink: usage.writtenBytes / count,
    callsPerUplink: usage.readWriteCalls / count,
    peakRssAnonBytes: usage.peakRssAnonBytes,
    remark: `bursts of ${count.toLocaleString('en')}, taken in at ${(Math.round(storedPerSecond / 100) * 100).toLocaleString('en')}/s`,
  };
};

interface QueueRow {
  readonly name: string;
  readonly title: string;
  readonly seen: SeenName;
  /** Top-level keys of the configuration. */
  readonly queue: (scene: Scene) => Promise<object>;
}

const queueRow = ({ name, title, seen, queue }: QueueRow): Row => ({
  name,
  what: 'Downlinks, from stored to submitted, limit off: figures are of downlinks',
  boundSeconds: ({ rounds }) => 60 + rounds * 150,
  async run(scene) {
    const parts = await open(scene, await queue(scene));
    const samples: Sample[] = [];
    for (let round = 0; round < scene.rounds; round += 1) samples.push(await burst(scene, parts, round));
    const sample = medianSample(samples.map(({ remark: _, ...sample }) => sample));
    const { remark } = samples.at(-1) ?? {};
    return { measured: [{ name: title, ...sample, ...(remark === undefined ? {} : { remark }) }], seen: { [seen]: sample.perSecond } };
  },
});

export const downlinks: readonly Row[] = [
  queueRow({ name: 'downlinks-local', title: 'local queue', seen: 'downlinksLocal', queue: () => Promise.resolve({}) }),
  queueRow({
    name: 'downlinks-redis', title: 'BullMQ on Redis', seen: 'downlinksRedis',
    queue: async (scene) => ({ redis: { url: (await scene.own(startRedisServer({ settings: { appendfsync: 'everysec' } }))).url }, secrets: { key: randomBytes(32).toString('base64') } }),
  }),
];
