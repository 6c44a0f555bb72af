import type { Logger } from '../log.js';
import type { DownlinkMetrics } from './metrics.js';
import { createNetworkServerState, type FailingNetworkServer, type NetworkServerState } from './network-server-state.js';
import type { DownlinkTarget } from './ports.js';

type Target = Pick<DownlinkTarget, 'id' | 'backoff'>;

export interface NetworkServerStatesOptions {
  /** Read at each question: network servers come and go, and one that was changed is another object. */
  readonly targets: ReadonlyMap<string, Target>;
  readonly metrics: Pick<DownlinkMetrics, 'failing'>;
  readonly logger: Logger;
  /** As of one state. */
  readonly now: () => number;
  readonly clock: () => number;
  readonly random: () => number;
}

/**
 * The state of each network server by itself: one that fails is none of the others' business. What was learned is about one target object,
 * and is forgotten with it: another address or key may well work.
 */
export interface NetworkServerStates {
  of(networkServerId: string): NetworkServerState | undefined;
  failing(): readonly FailingNetworkServer[];
}

export const createNetworkServerStates = ({ targets, metrics, logger, now, clock, random }: NetworkServerStatesOptions): NetworkServerStates => {
  const states = new Map<string, { readonly target: Target; readonly state: NetworkServerState }>();

  const tell = (id: string, failing: FailingNetworkServer | undefined): void => {
    metrics.failing(id, failing !== undefined);
    if (failing === undefined) return logger.info({ network_server: id }, 'the network server takes downlinks again');
    const { reason, detail } = failing;
    // A wrong key is a person's work; anything else heals.
    const level = reason === 'network_server_unauthorised' ? 'error' : 'warn';
    logger[level]({ network_server: id, reason, detail }, 'the network server takes no downlinks, they wait');
  };

  const create = (target: Target): NetworkServerState => {
    const { id, backoff } = target;
    // An attempt may end after its target was replaced; then it tells nothing about the new one.
    const changed = (failing: FailingNetworkServer | undefined): void => {
      if (states.get(id)?.target === target) tell(id, failing);
    };
    const state = createNetworkServerState({ networkServerId: id, backoff, changed, now, clock, random });
    states.set(id, { target, state });
    return state;
  };

  const forgetOld = (): void => {
    for (const [id, { target, state }] of states) {
      if (targets.get(id) === target) continue;
      states.delete(id);
      if (state.failing() !== undefined) metrics.failing(id, false);
    }
  };

  return {
    of(id) {
      const target = targets.get(id);
      const known = states.get(id);
      if (known !== undefined && known.target === target) return known.state;
      forgetOld();
      return target === undefined ? undefined : create(target);
    },
    failing() {
      forgetOld();
      return [...states.values()].flatMap(({ state }) => state.failing() ?? []);
    },
  };
};
