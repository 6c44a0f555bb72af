import type { BridgeConfig } from '../config/schema.js';
import type { Lifecycle } from '../lifecycle.js';
import type { Logger } from '../log.js';
import { openDeviceStore, type DeviceStore } from './open-downlinks.js';
import { openOutbox, type OpenOutbox, type OutboxEars } from './open-outbox.js';
import { closeResourceStores, openResourceStores, type ResourceStores } from './open-resources.js';

/** Everything that is kept. */
export interface OpenStores {
  readonly opened: OpenOutbox;
  readonly stores: ResourceStores;
  readonly downlinks: DeviceStore;
}

export interface OpenStoresOptions {
  readonly config: BridgeConfig;
  readonly ears: OutboxEars;
  /** Downlinks a second of a connection. */
  readonly ratePerSecond: (connectionId: string) => number;
  readonly lifecycle: Lifecycle;
  readonly logger: Logger;
}

/**
 * Opens the stores beside each other, since each reads itself through first. The outbox is closed last.
 * @throws what the first one throws that cannot be opened; the others are closed with the lifecycle
 */
export const openStores = async ({ config, ears, ratePerSecond, lifecycle, logger }: OpenStoresOptions): Promise<OpenStores> => {
  const [outbox, resources, devices] = await Promise.allSettled([openOutbox({ config, ears, logger }), openResourceStores(config, logger), openDeviceStore(config, ratePerSecond, logger)]);
  if (outbox.status === 'fulfilled') lifecycle.onStop('outbox', () => outbox.value.close());
  if (resources.status === 'fulfilled') lifecycle.onStop('resources', () => closeResourceStores(resources.value));
  if (devices.status === 'fulfilled') lifecycle.onStop('downlink store', (deadline) => devices.value.close(deadline));
  if (outbox.status === 'rejected') throw outbox.reason;
  if (resources.status === 'rejected') throw resources.reason;
  if (devices.status === 'rejected') throw devices.reason;
  return { opened: outbox.value, stores: resources.value, downlinks: devices.value };
};
