import { proofOf, type NetworkServerConfig } from '../config/network-server.js';
import { downlinkDefaults, type DownlinkConfig } from '../config/network-server-downlink.js';
import type { DownlinkTarget } from '../downlink/ports.js';
import type { WebhookSource } from '../ingress/webhooks.js';
import type { DownlinkClient, DownlinkSettings, DownlinkSigning } from '../network-servers/downlink-client.js';
import { createProof } from '../network-servers/proof.js';
import { createDownlinkClient, networkServerAdapters } from '../network-servers/registry.js';
import { given } from '../given.js';

const challenges: Readonly<Record<string, string>> = { basic: 'Basic realm="webhooks", charset="UTF-8"', bearer: 'Bearer realm="webhooks"' };

/** A network server with both directions: its webhook, and the way back. */
export interface NetworkServerParts {
  readonly source: WebhookSource;
  readonly target: DownlinkTarget;
  close(): Promise<void>;
}

const clientSettings = (downlink: DownlinkConfig): DownlinkSettings => ({
  timeoutMs: downlink.timeout,
  ...given({
    url: downlink.url,
    apiToken: downlink.apiToken?.reveal(),
    api: downlink.api,
    asId: downlink.asId,
    asKey: downlink.asKey?.reveal(),
    applicationId: downlink.applicationId,
    webhookId: downlink.webhookId,
    allowedHosts: downlink.allowedHosts,
    ca: downlink.caCertificate === undefined ? undefined : [downlink.caCertificate],
    proxy: downlink.proxy?.reveal(),
  }),
});

const webhookSource = ({ id, kind, authenticate, fields, batchPattern, downlink }: NetworkServerConfig, client: DownlinkClient): WebhookSource => {
  const proof = proofOf(authenticate);
  return {
    id,
    adapter: networkServerAdapters[kind],
    proof: createProof(proof, authenticate.sources),
    settings: given({ fields, batchPattern, downlinkHosts: downlink?.allowedHosts }),
    challenge: challenges[proof.kind] ?? 'Webhook realm="webhooks"',
    ...(proof.kind === 'token' ? { token: proof } : {}),
    ...(client.learn === undefined ? {} : { learn: client.learn.bind(client) }),
  };
};

/** What the downlinks of a connection are signed with; undefined: what the network server is configured with. */
export type SigningOf = (connectionId: string) => DownlinkSigning | undefined;

const submitOf = (client: DownlinkClient, signingOf: SigningOf): Pick<DownlinkTarget, 'submit'> =>
  client.submit === undefined ? {} : { submit: (one, address) => client.submit?.(one, address, signingOf(one.connectionId)) ?? Promise.reject(new Error('no downlink API')) };

const downlinkTarget = ({ id, kind }: NetworkServerConfig, downlink: DownlinkConfig, { client, signingOf }: { readonly client: DownlinkClient; readonly signingOf: SigningOf }): DownlinkTarget => ({
  id,
  kind,
  delivery: client.delivery,
  newestWins: downlink.mailbox !== 'oldest',
  maxAttempts: downlink.attempts,
  backoff: { minMs: downlink.backoff.min, maxMs: downlink.backoff.max },
  onUnknown: downlink.onUnknown,
  check: (one) => client.check(one),
  idsOf: (one) => client.idsOf(one),
  reportsAfter: (state, one) => client.reportsAfter(state, one),
  ...submitOf(client, signingOf),
});

/** Makes both directions of a configured network server. */
export const networkServerParts = (config: NetworkServerConfig, signingOf: SigningOf): NetworkServerParts => {
  const downlink = config.downlink ?? downlinkDefaults;
  const client = createDownlinkClient(config.kind, clientSettings(downlink));
  return { source: webhookSource(config, client), target: downlinkTarget(config, downlink, { client, signingOf }), close: () => client.close() };
};
