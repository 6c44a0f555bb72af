import type { NetworkServerConfig } from '../config/network-server.js';
import type { DownlinkTarget } from '../downlink/ports.js';
import type { WebhookSource } from '../ingress/webhooks.js';
import { messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { MetricFamily } from '../metric-family.js';
import type { Revised } from './by-revision.js';
import { networkServerParts, type NetworkServerParts, type SigningOf } from './network-server-options.js';

/** The network servers of the moment: both directions of each, under its id. The two maps change while the bridge runs. */
export interface LiveNetworkServers {
  readonly sources: ReadonlyMap<string, WebhookSource>;
  readonly targets: ReadonlyMap<string, DownlinkTarget>;
  /** Makes them what is configured now; those whose revision stays are not touched. */
  apply(configured: ReadonlyMap<string, Revised<NetworkServerConfig>>): void;
  close(): Promise<void>;
}

export interface LiveNetworkServersDeps {
  readonly metrics: MetricFamily;
  readonly signingOf: SigningOf;
  readonly logger: Logger;
}

interface Kept {
  readonly revision: string;
  readonly parts: NetworkServerParts;
}

export const createLiveNetworkServers = ({ metrics, signingOf, logger }: LiveNetworkServersDeps): LiveNetworkServers => {
  const kept = new Map<string, Kept>();
  const sources = new Map<string, WebhookSource>();
  const targets = new Map<string, DownlinkTarget>();

  /** Requests under way end first; nobody waits for them. */
  const release = (id: string, { parts }: Kept): void => {
    parts.close().catch((error: unknown) => logger.warn({ network_server: id, detail: messageOf(error) }, 'network server not closed'));
  };

  const put = (id: string, { config, revision }: Revised<NetworkServerConfig>): void => {
    const before = kept.get(id);
    if (before?.revision === revision) return;
    const parts = networkServerParts(config, signingOf);
    kept.set(id, { revision, parts });
    sources.set(id, parts.source);
    targets.set(id, parts.target);
    metrics.add(id);
    if (before !== undefined) release(id, before);
  };

  const remove = (id: string, one: Kept): void => {
    for (const map of [kept, sources, targets]) map.delete(id);
    metrics.remove(id);
    release(id, one);
  };

  return {
    sources,
    targets,
    apply(configured) {
      for (const [id, one] of [...kept]) if (!configured.has(id)) remove(id, one);
      for (const [id, one] of configured) put(id, one);
    },
    async close() {
      await Promise.all([...kept.values()].map(({ parts }) => parts.close()));
    },
  };
};
