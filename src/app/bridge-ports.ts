import type { BridgePorts } from '../api/bridge-ports.js';
import type { ReplayParked } from '../uplink/replay-parked.js';
import type { ParkedMessages } from '../uplink/ports.js';
import type { DeviceStore, DownlinkParts } from './open-downlinks.js';
import type { ResourceStores } from './open-resources.js';

export interface BridgePortsSources extends Pick<DeviceStore, 'queue' | 'devices' | 'things' | 'lives'> {
  readonly outbox: ParkedMessages;
  readonly stores: ResourceStores;
  readonly downlinks: Pick<DownlinkParts, 'post' | 'clear'>;
  readonly replay: ReplayParked;
}

/** The running bridge, as the private API sees it. */
export const bridgePorts = ({ queue, devices, things, lives, outbox, stores, downlinks, replay }: BridgePortsSources): BridgePorts => ({
  postDownlink: downlinks.post,
  downlinkLife: (id) => lives.find(id),
  devices,
  things,
  waiting: (deviceId) => queue.waiting(deviceId),
  clearDownlinks: downlinks.clear,
  parked: { parked: outbox.parked.bind(outbox), parkedAt: outbox.parkedAt.bind(outbox), discard: outbox.discard.bind(outbox), replay },
  events: stores.events,
  audit: stores.resources,
  tokens: stores.tokens,
});
