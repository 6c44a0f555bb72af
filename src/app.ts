import { Registry, collectDefaultMetrics } from 'prom-client';
import { createPrivateListener } from './api/private-listener.js';
import { declaredResources } from './api/resources/declared.js';
import type { Removal } from './api/resources/effective.js';
import { createResources } from './api/resources/resources.js';
import { resourceRoutes } from './api/resources/routes/resource-routes.js';
import type { Effective } from './api/resources/effective.js';
import { watchAlarms } from './app/alarms.js';
import { bridgePorts } from './app/bridge-ports.js';
import { createByRevision } from './app/by-revision.js';
import { connectionDownlinks } from './app/connection-options.js';
import { healthOf } from './app/health.js';
import { createLines } from './app/lines.js';
import { createLiveNetworkServers } from './app/live-network-servers.js';
import { createLiveStatus } from './app/live-status.js';
import { createMetrics } from './app/metrics.js';
import { openStores } from './app/open-stores.js';
import { createDownlinks } from './app/open-downlinks.js';
import { createOutboxNews } from './app/follow-outbox.js';
import { followResources } from './app/follow-resources.js';
import { createRouting } from './app/routing.js';
import { openSecretBox } from './app/secrets-key.js';
import { watchDevices } from './app/watch-devices.js';
import { createConnectGate } from './aws/connect-gate.js';
import type { ConnectionConfig } from './config/connection.js';
import type { LoadedConfig } from './config/load.js';
import type { ConnectionDownlinks } from './downlink/complete-downlink.js';
import type { Reason } from './errors.js';
import { createIngressListener } from './ingress/ingress-listener.js';
import { createTakeMessages } from './ingress/take-messages.js';
import { createLifecycle, sooner } from './lifecycle.js';
import type { Logger } from './log.js';
import type { NoteEvent } from './messages/bridge-event.js';
import { lockDataDir } from './store/local/data-dir-lock.js';
import { createAccept } from './uplink/accept-uplink.js';
import { clearBacklog } from './uplink/clear-backlog.js';
import { createReplayParked } from './uplink/replay-parked.js';

/** The daemon as an object. */
export interface Bridge {
  /** @throws BridgeError when something cannot be opened; what was opened before is closed again */
  start(): Promise<void>;
  /** Stops within `shutdownTimeout`; may be called twice, and before start ended. */
  stop(): Promise<void>;
  /** URLs of the two listeners, once started. */
  address(): { readonly ingress: string; readonly private: string };
}

/** Downlinks a second of a connection that is not there any more and still has some. */
const usualRate = 100;

/** Wires the daemon: every room is made here, and nowhere else. */
export const createBridge = (loaded: Pick<LoadedConfig, 'config' | 'origin'>, logger: Logger): Bridge => {
  const { config } = loaded;
  const lifecycle = createLifecycle(logger);
  const addresses = { ingress: '', private: '' };
  let stopping = false;

  const open = async (): Promise<void> => {
    // What is kept, and by whom.
    const lock = await lockDataDir(config.dataDir);
    lifecycle.onStop('data directory lock', () => lock.release());
    const news = createOutboxNews();
    const ratePerSecond = (id: string): number => lines.get(id)?.config.configuration.downlinksPerSecond ?? usualRate;
    const { opened, stores, downlinks: store } = await openStores({ config, ears: news.ears, ratePerSecond, lifecycle, logger });
    const { outbox, identity, mostTogether, shared } = opened;
    const { queue, devices, things, lives } = store;
    const note: NoteEvent = (event) => stores.events.note(event);
    const connections = new Map<string, ConnectionDownlinks>();

    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    // Bridges that share Redis hear a part of each device's uplinks each: what one does not hear is not missing.
    const watchesDevices = config.redis === undefined;
    const metrics = createMetrics({ registry, outbox, queue, line: (id) => lines.get(id), note, watchesDevices, silentDevices: (id) => watched?.silent(id) ?? 0 });
    const watched = metrics.devices === undefined ? undefined : watchDevices({ metrics: metrics.devices, note });
    lifecycle.onStop('devices watched', () => watched?.stop());

    // What is configured: the file, and what the API made.
    const resources = createResources({ store: stores.resources, box: await openSecretBox(config, logger), declared: declaredResources(loaded), backlog: (id) => outbox.pending(id), logger });
    lifecycle.onStop('resources followed', () => resources.close());
    const routing = createRouting();

    // Uplinks: what is accepted waits in the outbox, one delivery and one pool of sessions for each connection.
    const accept = createAccept({ outbox, routes: routing.routes, delivery: (id) => lines.get(id)?.intake, metrics: metrics.uplinks, seen: watched?.seen, note, logger });
    const replay = createReplayParked({ outbox, targetOf: routing.targetOf, delivery: (id) => lines.get(id)?.intake, metrics: metrics.uplinks });

    // Downlinks: their statuses go the same way as uplinks.
    const networkServers = createLiveNetworkServers({ metrics: metrics.networkServers, signingOf: (id) => lines.get(id)?.signing(), logger });
    lifecycle.onStop('network servers', () => networkServers.close());
    const downlinks = createDownlinks({
      store,
      targets: networkServers.targets,
      connections,
      ratePerSecond,
      statuses: { publish: ({ key, ...message }) => accept.publish({ ...message, idempotencyKey: key }) },
      metrics: metrics.downlinks,
      logger,
    });

    // What runs follows what is configured.
    const removals = new Map<string, Removal['backlog']>();
    const downlinksOf = createByRevision((connection: ConnectionConfig) => connectionDownlinks(connection, config));
    const gate = createConnectGate();
    const lines = createLines({
      bridge: config, identity, outbox, things, note, metrics, logger,
      receive: downlinks.receive,
      gate,
      family: metrics.connections,
      async clearBacklog(id) {
        await accept.settled();
        await clearBacklog({ outbox, connectionId: id, disposal: removals.get(id) ?? 'park', metrics: metrics.uplinks });
        removals.delete(id);
      },
    });
    // A PUBACK that never comes must not take the time that the stores need to close.
    lifecycle.onStop('connections', (deadline) => lines.stop(sooner(deadline, config.shutdownTimeout / 10)));
    if (shared !== undefined) {
      const { createTakeOver } = await import('./app/take-over.js');
      const takeOver = createTakeOver({ ...shared, bridge: config, connections: () => lines.configs(), receive: downlinks.receive, metrics: metrics.subscriber, gate, logger });
      lifecycle.onStop('slots taken over', () => takeOver.stop());
      news.attach({ lines, metrics: metrics.uplinks, takeOver }, shared);
    }
    const apply = (effective: Effective, removal?: Removal): void => {
      if (removal !== undefined) removals.set(removal.connectionId, removal.backlog);
      networkServers.apply(effective.networkServers);
      watched?.keep(effective.networkServers);
      // What is said of a network server that was replaced ends with it.
      downlinks.failing();
      routing.apply(effective);
      const present = downlinksOf(effective.connections);
      for (const id of connections.keys()) if (!present.has(id)) connections.delete(id);
      for (const [id, one] of present) connections.set(id, one);
      lines.apply(effective.connections, new Set(effective.failed.filter(({ kind }) => kind === 'connection').map(({ id }) => id)));
    };
    // In this order the last statuses are still accepted, and still published.
    lifecycle.onStop('accept', () => accept.close());
    lifecycle.onStop('downlinks', (deadline) => downlinks.stop(deadline));
    lifecycle.onStop('subscribers', (deadline) => lines.stopReceiving(deadline));
    const following = await followResources({ resources, apply, logger });
    lifecycle.onStop('changes of resources', () => following.stop());
    downlinks.start();
    const alarms = watchAlarms({ lines: () => lines.all(), note });
    lifecycle.onStop('alarms', () => alarms.stop());

    const notReady = (): Reason | undefined => (stopping ? 'stopping' : (routing.routes().refusal ?? outbox.unwritable()));
    const failing = () => downlinks.failing();
    const kept = { component: config.redis === undefined ? 'downlink store' : 'redis', problem: () => store.problem() };
    const live = createLiveStatus({ bridge: config, line: (id) => lines.get(id), outbox, devices, things, events: stores.events, targets: networkServers.targets, failing, lastMessageAt: metrics.lastMessageAt });
    const { tls: privateTls, ...privateOptions } = config.private;
    const privateListener = createPrivateListener({
      ...privateOptions,
      ...(privateTls === undefined ? {} : { tls: { certificate: privateTls.certificate, privateKey: privateTls.privateKey.reveal() } }),
      registry,
      notReady,
      health: () => healthOf({ slot: identity.slot(), replicas: shared?.keeper.replicas(), orphans: shared?.keeper.orphans(), outbox, lines: () => lines.all(), downlinks: kept, failing, unusable: () => resources.effective().failed }),
      bridge: bridgePorts({ queue, devices, things, lives, outbox, stores, downlinks, replay }),
      plugins: [(app, _options, done) => void resourceRoutes(app, { resources, live }).then(() => done(), done)],
      logger,
    });
    await privateListener.start();
    lifecycle.onStop('private listener', () => privateListener.stop());
    addresses.private = privateListener.url;

    const { tls, ...ingressOptions } = config.ingress;
    const ingress = createIngressListener({
      ...ingressOptions,
      ...(tls === undefined ? {} : { tls: { certificate: tls.certificate, privateKey: tls.privateKey.reveal() } }),
      sources: networkServers.sources,
      take: createTakeMessages((sender, incoming, body) => accept.accept(sender, incoming, body), downlinks.webhooks, logger),
      mostTogether,
      metrics: metrics.ingress,
      note,
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
