import type { BridgeConfig } from '../config/schema.js';
import { createMailbox } from '../downlink/collect-downlink.js';
import type { ConnectionDownlinks } from '../downlink/complete-downlink.js';
import { createClearDevice, type ClearDevice } from '../downlink/clear-device.js';
import { createDownlinkIntake } from '../downlink/downlink-intake.js';
import { holdSubmissions } from '../downlink/held-submissions.js';
import type { DownlinkMetrics } from '../downlink/metrics.js';
import type { DownlinkStore, DownlinkTarget, ReceiveDownlink, StatusOutlet } from '../downlink/ports.js';
import type { PostDownlink } from '../downlink/post-downlink.js';
import { createSubmission } from '../downlink/submit-downlink.js';
import { createTracker } from '../downlink/track-status.js';
import type { WebhookDownlinks } from '../ingress/take-messages.js';
import { within, type Deadline } from '../lifecycle.js';
import type { Logger } from '../log.js';
import { openLocalDownlinks } from '../store/local/downlinks/local-downlinks.js';
import type { ThingMemory } from '../uplink/ports.js';
import type { FailingNetworkServer } from '../downlink/network-server-state.js';
import { keyPrefix, redisSettings } from './redis-settings.js';

/** What keeps the downlinks, the devices and their things. */
export type DeviceStore = DownlinkStore & { readonly things: ThingMemory };

/** The way back, from what AWS hands over to the network servers. */
export interface DownlinkParts {
  readonly receive: ReceiveDownlink;
  readonly post: PostDownlink;
  readonly clear: ClearDevice;
  readonly webhooks: WebhookDownlinks;
  failing(): readonly FailingNetworkServer[];
  /** Begins to submit what waits. */
  start(): void;
  /** Submits nothing more. May be called twice. */
  stop(deadline: Deadline): Promise<void>;
}

export interface DownlinkDeps {
  readonly store: DeviceStore;
  readonly targets: ReadonlyMap<string, DownlinkTarget>;
  readonly connections: ReadonlyMap<string, ConnectionDownlinks>;
  readonly ratePerSecond: (connectionId: string) => number;
  readonly statuses: StatusOutlet;
  readonly metrics: DownlinkMetrics;
  readonly logger: Logger;
}

/** Downlinks are kept in Redis where one is configured, else in the data directory. @throws BridgeError redis_unsafe, store_corrupt, store_unavailable */
export const openDeviceStore = async ({ redis, dataDir, downlinks }: BridgeConfig, ratePerSecond: (connectionId: string) => number, logger: Logger): Promise<DeviceStore> => {
  const common = { ratePerSecond, reportWindowMs: downlinks.reportWindow, logger };
  if (redis === undefined) return openLocalDownlinks({ ...common, dataDir });
  // Read only where Redis is configured: its packages take a quarter of a second to load.
  const { openRedisDownlinks } = await import('../store/redis/redis-downlinks.js');
  return openRedisDownlinks({ ...common, keyPrefix, ...redisSettings(redis) });
};

/** Puts the parts together that receive, submit, track and hand out downlinks. */
export const createDownlinks = ({ store, ...deps }: DownlinkDeps): DownlinkParts => {
  const { queue, devices, lives } = store;
  const submitted = holdSubmissions(store);
  const common = { ...deps, queue, submitted, devices, lives };
  const submission = createSubmission(common);
  const tracker = createTracker({ ...common, submitted: { ...submitted, of: submitted.known }, underWay: submission.underWay });
  const mailbox = createMailbox(common);
  let stopped: Promise<void> | undefined;
  return {
    ...createDownlinkIntake(common),
    clear: createClearDevice(common),
    webhooks: { devices, resolve: (sender, incoming) => tracker.resolve(sender, incoming), collect: (request) => mailbox.collect(request) },
    failing: () => submission.failing(),
    start: () => submission.start(),
    stop: (deadline) => (stopped ??= submission.close(deadline).then(() => within(deadline, submitted.close())).then(() => undefined)),
  };
};
