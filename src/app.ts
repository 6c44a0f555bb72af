import { Registry, collectDefaultMetrics } from 'prom-client';
import { createPrivateListener } from './api/private-listener.js';
import { awsOptions, subscriberOptions, targetOf } from './app/connection-options.js';
import { certificateDays, healthOf, type Line } from './app/health.js';
import { networkServerParts } from './app/network-server-options.js';
import { openDownlinks } from './app/open-downlinks.js';
import { createAwsConnection } from './aws/aws-connection.js';
import { createAwsMetrics } from './aws/metrics.js';
import { createSubscriber } from './aws/subscriber.js';
import { createSubscriberMetrics } from './aws/subscriber-metrics.js';
import type { BridgeConfig } from './config/schema.js';
import type { Reason } from './errors.js';
import { matchOnly } from './flows/match.js';
import { createIngressListener } from './ingress/ingress-listener.js';
import { createIngressMetrics } from './ingress/metrics.js';
import { createTakeMessages } from './ingress/take-messages.js';
import { createLifecycle } from './lifecycle.js';
import type { Logger } from './log.js';
import { lockDataDir } from './store/local/data-dir-lock.js';
import { openLocalOutbox } from './store/local/local-outbox.js';
import { slotOf } from './store/local/slot.js';
import { createAccept } from './uplink/accept-uplink.js';
import { createDelivery } from './uplink/deliver-uplink.js';
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
    const lineOf = (id: string): Line => {
      const line = lines.get(id);
      if (line === undefined) throw new Error(`no connection ${id}`);
      return line;
    };
    const awsMetrics = createAwsMetrics({
      registry,
      connections,
      read(id) {
        const line = lines.get(id);
        const status = line?.aws.status();
        return { sessions: status?.sessions ?? 0, inFlight: status?.inFlight ?? 0, held: line?.delivery.heldSince() !== undefined, certificateDays: line === undefined ? 0 : certificateDays(line.config.configuration.certificate) };
      },
    });
    const subscriberMetrics = createSubscriberMetrics({ registry, connections, read: (id) => ({ opened: lines.get(id)?.subscriber?.status().state === 'opened' }) });

    // Uplinks: what is accepted waits in the outbox, one delivery and one pool of sessions for each connection.
    const targets = new Map(config.connections.map((connection) => [connection.id, targetOf(connection)]));
    const [onlyTarget] = targets.values();
    if (onlyTarget === undefined) throw new Error('no connection is configured');
    const accept = createAccept({ outbox, routes: { match: matchOnly(onlyTarget), targetOf: (id) => targets.get(id) }, delivery: (id) => lineOf(id).delivery, metrics: uplinkMetrics, logger });

    // Downlinks: their statuses go the same way as uplinks.
    const parts = config.networkServers.map(networkServerParts);
    lifecycle.onStop('network servers', async () => void (await Promise.all(parts.map((part) => part.close()))));
    const downlinks = await openDownlinks(config, {
      registry,
      targets: new Map(parts.map(({ target }) => [target.id, target])),
      statuses: { publish: ({ key, ...message }) => accept.publish({ ...message, idempotencyKey: key }) },
      logger,
    });
    lifecycle.onStop('downlink store', (deadline) => downlinks.stop(deadline));

    for (const connection of config.connections) {
      const delivery = createDelivery({ connectionId: connection.id, outbox, metrics: uplinkMetrics, logger });
      const aws = createAwsConnection(awsOptions(connection, slot), { listener: delivery.listener, metrics: awsMetrics, logger });
      const options = subscriberOptions(connection, config, slot);
      const subscriber = options === undefined ? undefined : createSubscriber(options, { receive: downlinks.receive, metrics: subscriberMetrics, logger });
      lines.set(connection.id, { config: connection, delivery, aws, ...(subscriber === undefined ? {} : { subscriber }) });
      uplinkMetrics.restored(connection.id, outbox.restored(connection.id));
    }
    for (const { config: connection, aws, delivery } of lines.values()) {
      if (!connection.active) continue;
      lifecycle.onStop(`connection ${connection.id}`, (deadline) => aws.stop(deadline));
      aws.start();
      lifecycle.onStop(`delivery ${connection.id}`, (deadline) => delivery.stop(deadline));
      delivery.start(aws.publisher);
    }
    // In this order the last statuses are still accepted, and still published.
    lifecycle.onStop('accept', () => accept.close());
    lifecycle.onStop('downlinks', (deadline) => downlinks.stop(deadline));
    downlinks.start();
    for (const { config: connection, subscriber } of lines.values()) {
      if (subscriber === undefined) continue;
      lifecycle.onStop(`subscriber ${connection.id}`, (deadline) => subscriber.stop(deadline));
      subscriber.start();
    }

    const notReady = (): Reason | undefined => (stopping ? 'stopping' : outbox.unwritable());
    const health = () => healthOf({ slot, outbox, lines: () => [...lines.values()], downlinks: downlinks.health, failing: () => downlinks.failing() });
    const privateListener = createPrivateListener({ ...config.private, registry, notReady, health });
    await privateListener.start();
    lifecycle.onStop('private listener', () => privateListener.stop());
    addresses.private = privateListener.url;

    const { tls, ...ingressOptions } = config.ingress;
    const ingress = createIngressListener({
      ...ingressOptions,
      ...(tls === undefined ? {} : { tls: { certificate: tls.certificate, privateKey: tls.privateKey.reveal() } }),
      sources: new Map(parts.map(({ source }) => [source.id, source])),
      take: createTakeMessages((sender, incoming, body) => accept.accept(sender, incoming, body), downlinks.webhooks, logger),
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
