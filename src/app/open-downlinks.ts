import type { Registry } from 'prom-client';
import type { BridgeConfig } from '../config/schema.js';
import { createMailbox } from '../downlink/collect-downlink.js';
import { createDownlinkMetrics } from '../downlink/metrics.js';
import type { DownlinkStore, DownlinkTarget, ReceiveDownlink, StatusOutlet } from '../downlink/ports.js';
import { createReceiveDownlink } from '../downlink/receive-downlink.js';
import { createSubmission } from '../downlink/submit-downlink.js';
import { createTracker } from '../downlink/track-status.js';
import type { WebhookDownlinks } from '../ingress/take-messages.js';
import type { Deadline } from '../lifecycle.js';
import type { Logger } from '../log.js';
import { openLocalDownlinks } from '../store/local/downlinks/local-downlinks.js';
import { openRedisDownlinks } from '../store/redis/redis-downlinks.js';
import { connectionDownlinks } from './connection-options.js';
import type { FailingNetworkServer, HealthSources } from './health.js';

/** The way back, from what AWS hands over to the network servers. */
export interface DownlinkParts {
  readonly receive: ReceiveDownlink;
  readonly webhooks: WebhookDownlinks;
  readonly health: HealthSources['downlinks'];
  failing(): readonly FailingNetworkServer[];
  /** Begins to submit what waits. */
  start(): void;
  /** May be called twice. */
  stop(deadline: Deadline): Promise<void>;
}

export interface DownlinkDeps {
  readonly registry: Registry;
  readonly targets: ReadonlyMap<string, DownlinkTarget>;
  readonly statuses: StatusOutlet;
  readonly logger: Logger;
}

/** Keys of this bridge in Redis begin with it. */
const keyPrefix = 'lpwan-bridge';

/** Together with what the queue itself allows this stays below the room that the pace leaves in a second, ms (decision 0010). */
const sharedLatestMs = 40;

/** Default of `downlinksPerSecond`: for a connection that is not configured any more and still has downlinks. */
const usualRate = 100;

const rateOf = (config: BridgeConfig): ((connectionId: string) => number) => {
  const rates = new Map(config.connections.map(({ id, configuration }) => [id, configuration.downlinksPerSecond]));
  return (connectionId) => rates.get(connectionId) ?? usualRate;
};

/** Downlinks are kept in Redis where one is configured, else in the data directory. @throws BridgeError redis_unsafe, store_corrupt, store_unavailable */
const openStore = (config: BridgeConfig, logger: Logger): Promise<DownlinkStore> => {
  const common = { ratePerSecond: rateOf(config), reportWindowMs: config.downlinks.reportWindow, logger };
  const { redis, dataDir } = config;
  if (redis === undefined) return openLocalDownlinks({ ...common, dataDir });
  return openRedisDownlinks({ ...common, keyPrefix, url: redis.url.reveal(), ...(redis.caCertificate === undefined ? {} : { ca: redis.caCertificate }) });
};

/** Opens the store of downlinks and puts the parts together that receive, submit, track and hand them out. */
export const openDownlinks = async (config: BridgeConfig, { registry, targets, statuses, logger }: DownlinkDeps): Promise<DownlinkParts> => {
  const store = await openStore(config, logger);
  const { queue, submitted, devices } = store;
  const metrics = createDownlinkMetrics({
    registry,
    connections: config.connections.map(({ id }) => id),
    networkServers: config.networkServers.map(({ id }) => id),
    totals: (id) => queue.totals(id),
    headroom: (id) => queue.headroom(id),
  });
  const connections = new Map(config.connections.map((connection) => [connection.id, connectionDownlinks(connection, config)]));
  const submission = createSubmission({ queue, submitted, devices, statuses, targets, metrics, ratePerSecond: rateOf(config), logger, ...(config.redis === undefined ? {} : { latestMs: sharedLatestMs }) });
  const tracker = createTracker({ submitted, targets, underWay: submission.underWay, metrics, logger });
  const mailbox = createMailbox({ queue, statuses, submitted, metrics, logger });
  let stopped: Promise<void> | undefined;
  const stopAll = async (deadline: Deadline): Promise<void> => {
    await submission.close(deadline);
    await store.close(deadline);
  };
  return {
    receive: createReceiveDownlink({ queue, submitted, devices, statuses, targets, connections, metrics, logger }),
    webhooks: { devices, resolve: (sender, incoming) => tracker.resolve(sender, incoming), collect: (request) => mailbox.collect(request) },
    health: { component: config.redis === undefined ? 'downlink store' : 'redis', problem: () => store.problem() },
    failing: () => submission.failing(),
    start: () => submission.start(),
    stop: (deadline) => (stopped ??= stopAll(deadline)),
  };
};
