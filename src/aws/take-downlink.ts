import type { IPublishPacket } from 'mqtt-packet';
import type { ReceiveDownlink } from '../downlink/ports.js';
import { inTime } from '../lifecycle.js';
import type { Logger } from '../log.js';
import { causeOf } from './cause-of.js';
import type { SubscriberMetrics } from './subscriber-metrics.js';
import type { SubscriberOptions } from './subscriber-options.js';

export interface TakeDownlinkDeps {
  readonly receive: ReceiveDownlink;
  readonly logger: Logger;
  readonly metrics: SubscriberMetrics;
}

/** Longest wait for the store when nothing else is said, ms. */
const defaultStoreTimeoutMs = 10_000;

/** Stores a message, counts it, and says why when it could not be stored. @throws what storing threw; BridgeError store_unavailable when it took too long */
export const takeDownlink = async ({ topic, payload, qos }: IPublishPacket, { connectionId, storeTimeoutMs = defaultStoreTimeoutMs }: Pick<SubscriberOptions, 'connectionId' | 'storeTimeoutMs'>, { receive, logger, metrics }: TakeDownlinkDeps): Promise<void> => {
  metrics.received(connectionId);
  try {
    await inTime(receive({ connectionId, topic, payload: Buffer.from(payload as Buffer) }), storeTimeoutMs);
  } catch (error) {
    const { reason, detail } = causeOf(error);
    metrics.notStored(connectionId, reason);
    logger.warn({ reason, detail, topic, qos }, 'downlink not stored');
    throw error;
  }
};
