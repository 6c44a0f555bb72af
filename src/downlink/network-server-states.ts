import type { Logger } from '../log.js';
import type { DownlinkMetrics } from './metrics.js';
import { createNetworkServerState, type FailingNetworkServer, type NetworkServerState } from './network-server-state.js';
import type { DownlinkTarget } from './ports.js';

export interface NetworkServerStatesOptions {
  readonly targets: ReadonlyMap<string, Pick<DownlinkTarget, 'id' | 'backoff'>>;
  readonly metrics: Pick<DownlinkMetrics, 'failing'>;
  readonly logger: Logger;
  readonly now: () => number;
  readonly random: () => number;
}

/** The state of each network server by itself: one that fails is none of the others' business. */
export interface NetworkServerStates {
  of(networkServerId: string): NetworkServerState | undefined;
  failing(): readonly FailingNetworkServer[];
}

export const createNetworkServerStates = ({ targets, metrics, logger, now, random }: NetworkServerStatesOptions): NetworkServerStates => {
  const changed = (id: string, failing: FailingNetworkServer | undefined): void => {
    metrics.failing(id, failing !== undefined);
    if (failing === undefined) return logger.info({ network_server: id }, 'the network server takes downlinks again');
    const { reason, detail } = failing;
    // A wrong key is a person's work; anything else heals.
    const level = reason === 'network_server_unauthorised' ? 'error' : 'warn';
    logger[level]({ network_server: id, reason, detail }, 'the network server takes no downlinks, they wait');
  };

  const states = new Map(
    [...targets.values()].map(({ id, backoff }) => [id, createNetworkServerState({ networkServerId: id, backoff, changed: (failing) => changed(id, failing), now, random })]),
  );

  return {
    of: (id) => states.get(id),
    failing: () => [...states.values()].flatMap((state) => state.failing() ?? []),
  };
};
