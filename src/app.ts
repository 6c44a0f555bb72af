import { X509Certificate } from 'node:crypto';
import { Registry, collectDefaultMetrics } from 'prom-client';
import { createPrivateListener, type Health } from './api/private-listener.js';
import { createAwsConnection, type AwsConnection, type AwsConnectionOptions } from './aws/aws-connection.js';
import { createAwsMetrics } from './aws/metrics.js';
import type { ConnectionConfig } from './config/connection.js';
import { endpointOf, trustedRoots } from './config/endpoint.js';
import { proofOf, type NetworkServerConfig } from './config/network-server.js';
import type { BridgeConfig } from './config/schema.js';
import type { Reason } from './errors.js';
import { matchOnly, type Target } from './flows/match.js';
import { createIngressListener } from './ingress/ingress-listener.js';
import { createIngressMetrics } from './ingress/metrics.js';
import type { WebhookSource } from './ingress/webhooks.js';
import { createLifecycle } from './lifecycle.js';
import type { Logger } from './log.js';
import { networkServerAdapters } from './network-servers/registry.js';
import { createProof } from './network-servers/proof.js';
import { lockDataDir } from './store/local/data-dir-lock.js';
import { openLocalOutbox, type LocalOutbox } from './store/local/local-outbox.js';
import { slotOf } from './store/local/slot.js';
import { compileTypePatterns } from './topics/type-patterns.js';
import { createAccept } from './uplink/accept-uplink.js';
import { createDelivery, type Delivery } from './uplink/deliver-uplink.js';
import { createUplinkMetrics } from './uplink/metrics.js';

/** The daemon as an object. */
export interface Bridge {
  /** @throws BridgeError when something cannot be opened; what was opened before is closed again */
  start(): Promise<void>;
  /** Stops within `shutdownTimeout`; may be called twice, and before start ended. */
  stop(): Promise<void>;
  /** URLs of the two listeners, once started. */
  address(): { readonly ingress: string; readonly private: string };
}

/** A certificate is worth a line in health this many days before it ends. */
const certificateWarningDays = 30;

const targetOf = ({ id, configuration }: ConnectionConfig): Target => ({
  connectionId: id,
  format: configuration.payloadFormat,
  patterns: compileTypePatterns(configuration.uplinkTopicPattern, configuration.topicPatterns),
  validityMs: configuration.uplinkTimeValidity ?? 0,
});

const challenges: Readonly<Record<string, string>> = { basic: 'Basic realm="webhooks", charset="UTF-8"', bearer: 'Bearer realm="webhooks"' };

const webhookSource = ({ id, kind, authenticate, fields, batchPattern }: NetworkServerConfig): WebhookSource => {
  const proof = proofOf(authenticate);
  return {
    id,
    adapter: networkServerAdapters[kind],
    proof: createProof(proof, authenticate.sources),
    ...(proof.kind === 'token' ? { token: proof } : {}),
    settings: { ...(fields === undefined ? {} : { fields }), ...(batchPattern === undefined ? {} : { batchPattern }) },
    challenge: challenges[proof.kind] ?? 'Webhook realm="webhooks"',
  };
};

const awsOptions = ({ id, configuration }: ConnectionConfig, slot: string): AwsConnectionOptions => {
  const ca = trustedRoots(configuration);
  return {
    id,
    endpoint: { ...endpointOf(configuration), certificate: configuration.certificate, privateKey: configuration.privateKey.reveal(), ...(ca === undefined ? {} : { ca }) },
    clientIdPrefix: `${configuration.clientIdPrefix}-${slot}-${id}`,
    version: configuration.mqttVersion === '5' ? 5 : 4,
    maxClients: configuration.maxClients,
    publishesPerSecondPerClient: configuration.publishesPerSecondPerClient,
    bytesPerSecondPerClient: configuration.bytesPerSecondPerClient,
    publishesPerSecond: configuration.publishesPerSecond,
    inFlightPerClient: configuration.inFlightPerClient,
    publishTimeoutMs: configuration.publishTimeout,
    connectTimeoutMs: configuration.connectTimeout,
    keepAliveMs: configuration.keepAlive,
    idleTimeoutMs: configuration.idleTimeout,
    reconnect: { minMs: configuration.reconnect.min, maxMs: configuration.reconnect.max },
  };
};

const certificateDays = (pem: string): number => (Date.parse(new X509Certificate(pem).validTo) - Date.now()) / 86_400_000;

/** One connection with everything that belongs to it. */
interface Line {
  readonly config: ConnectionConfig;
  readonly delivery: Delivery;
  readonly aws: AwsConnection;
}

type Problem = Health['problems'][number];

const isoTime = (ms: number): string => new Date(ms).toISOString();

const lineProblems = ({ config, delivery, aws }: Line): Problem[] => {
  const component = `connection ${config.id}`;
  const problems: Problem[] = [];
  const status = aws.status();
  const held = delivery.heldSince();
  if (config.active && status.state !== 'opened') problems.push({ component, reason: status.reason ?? 'session_lost', since: isoTime(status.since), ...(status.detail === undefined ? {} : { detail: status.detail }) });
  if (held !== undefined) problems.push({ component, reason: 'connection_held', since: isoTime(held) });
  const days = certificateDays(config.configuration.certificate);
  if (days < certificateWarningDays) problems.push({ component, reason: 'certificate_refused', detail: `the client certificate expires in ${Math.floor(days)} days` });
  return problems;
};

const healthOf = (outbox: LocalOutbox, lines: readonly Line[], slot: string): Health => {
  const unwritable = outbox.unwritable();
  const problems = [...(unwritable === undefined ? [] : [{ component: 'outbox', reason: unwritable }]), ...lines.flatMap(lineProblems)];
  const connections = lines.map(({ config, aws }) => ({ id: config.id, active: config.active, ...aws.status(), pending: outbox.pending(config.id) }));
  return { status: problems.length === 0 ? 'ok' : 'degraded', problems, slot, connections };
};

/** Wires the daemon: every room is made here, and nowhere else. */
export const createBridge = (config: BridgeConfig, logger: Logger): Bridge => {
  const lifecycle = createLifecycle(logger);
  const addresses = { ingress: '', private: '' };
  let stopping = false;

  const open = async (): Promise<void> => {
    const lock = await lockDataDir(config.dataDir);
    lifecycle.onStop('data directory lock', () => lock.release());
    const slot = await slotOf(config.dataDir);
    const { maxBytes, dedupWindow, parkedMaxBytes } = config.outbox;
    const outbox = await openLocalOutbox({ dataDir: config.dataDir, maxBytes, dedupWindowMs: dedupWindow, parkedMaxBytes, logger });
    lifecycle.onStop('outbox', () => outbox.close());

    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    const connections = config.connections.map(({ id }) => id);
    const networkServers = config.networkServers.map(({ id }) => id);
    const uplinkMetrics = createUplinkMetrics({ registry, networkServers, connections, outbox });
    const lines = new Map<string, Line>();
    const awsMetrics = createAwsMetrics({
      registry,
      connections,
      read(id) {
        const line = lines.get(id);
        const status = line?.aws.status();
        return { sessions: status?.sessions ?? 0, inFlight: status?.inFlight ?? 0, held: line?.delivery.heldSince() !== undefined, certificateDays: line === undefined ? 0 : certificateDays(line.config.configuration.certificate) };
      },
    });
    for (const connection of config.connections) {
      const delivery = createDelivery({ connectionId: connection.id, outbox, metrics: uplinkMetrics, logger });
      const aws = createAwsConnection(awsOptions(connection, slot), { listener: delivery.listener, metrics: awsMetrics, logger });
      lines.set(connection.id, { config: connection, delivery, aws });
      uplinkMetrics.restored(connection.id, outbox.restored(connection.id));
    }
    const lineOf = (id: string): Line => {
      const line = lines.get(id);
      if (line === undefined) throw new Error(`no connection ${id}`);
      return line;
    };
    const [onlyConnection] = config.connections;
    if (onlyConnection === undefined) throw new Error('no connection is configured');
    const accept = createAccept({ outbox, match: matchOnly(targetOf(onlyConnection)), delivery: (id) => lineOf(id).delivery, metrics: uplinkMetrics, logger });
    for (const { config: connection, aws, delivery } of lines.values()) {
      if (!connection.active) continue;
      lifecycle.onStop(`connection ${connection.id}`, (deadline) => aws.stop(deadline));
      aws.start();
      lifecycle.onStop(`delivery ${connection.id}`, (deadline) => delivery.stop(deadline));
      delivery.start(aws.publisher);
    }
    lifecycle.onStop('accept', () => accept.close());

    const notReady = (): Reason | undefined => (stopping ? 'stopping' : outbox.unwritable());
    const privateListener = createPrivateListener({ ...config.private, registry, notReady, health: () => healthOf(outbox, [...lines.values()], slot) });
    await privateListener.start();
    lifecycle.onStop('private listener', () => privateListener.stop());
    addresses.private = privateListener.url;

    const { tls, ...ingressOptions } = config.ingress;
    const ingress = createIngressListener({
      ...ingressOptions,
      ...(tls === undefined ? {} : { tls: { certificate: tls.certificate, privateKey: tls.privateKey.reveal() } }),
      sources: new Map(config.networkServers.map((networkServer) => [networkServer.id, webhookSource(networkServer)])),
      accept: (sender, incoming, body) => accept.accept(sender, incoming, body),
      metrics: createIngressMetrics(registry, networkServers),
      logger,
    });
    await ingress.start();
    lifecycle.onStop('ingress', () => ingress.stop());
    addresses.ingress = ingress.url;
  };

  const stop = async (): Promise<void> => {
    stopping = true;
    await lifecycle.stop(config.shutdownTimeout);
  };

  return {
    async start() {
      try {
        await open();
      } catch (error) {
        await stop();
        throw error;
      }
    },
    stop,
    address: () => ({ ...addresses }),
  };
};
