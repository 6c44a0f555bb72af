import { backoffMs, pause } from '../backoff.js';
import type { ConnectGate } from '../aws/connect-gate.js';
import { collectDownlinks } from '../aws/collect-downlinks.js';
import { evictSessions } from '../aws/evict-sessions.js';
import { timeLimit } from '../lifecycle.js';
import type { SubscriberMetrics } from '../aws/subscriber-metrics.js';
import type { ConnectionConfig } from '../config/connection.js';
import type { BridgeConfig } from '../config/schema.js';
import type { ReceiveDownlink } from '../downlink/ports.js';
import { messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import { awsSettings, connectWith, subscriberSettings } from './connection-options.js';

/** What replicas that share an outbox do for each other. */
export interface SharedSlots {
  readonly keeper: {
    orphans(): readonly string[];
    finish(slot: string): Promise<boolean>;
    replicas(): number;
  };
  readonly outbox: {
    pendingUnder(slot: string): Promise<readonly { readonly connectionId: string; readonly messages: number }[]>;
    adopt(slot: string, connectionId: string): Promise<number>;
  };
}

export interface TakeOverDeps extends SharedSlots {
  readonly bridge: Pick<BridgeConfig, 'dataDir' | 'redis'>;
  /** The connections that run, as they are configured now. */
  readonly connections: () => Iterable<ConnectionConfig>;
  readonly receive: ReceiveDownlink;
  readonly metrics: SubscriberMetrics;
  readonly gate: ConnectGate;
  readonly logger: Logger;
}

/** Looks after the slots of replicas that are gone. */
export interface TakeOver {
  /** Begins to take over what is under the slot. Never throws. */
  begin(slot: string): void;
  stop(): Promise<void>;
}

/** Pause before what could not be taken over is tried again. */
const retryBackoff = { minMs: 500, maxMs: 30_000 };
/** The stored downlinks of a session come at 10 a second ("Queued message delivery rate", AWS IoT Core quotas): so long without one, and none is left, ms. */
const quietMs = 3_000;
/** While downlinks keep coming there is no quiet: after this what was stored is in, and the session is left to AWS, which forgets it, ms. */
const collectMs = 600_000;

/**
 * Takes a slot over in this order: whoever still publishes under its client ids is disconnected by AWS, because we connect under them; then its
 * messages go behind ours; beside that the downlinks that AWS keeps for its downlink session are collected. At the end the slot is no more.
 */
export const createTakeOver = (deps: TakeOverDeps): TakeOver => {
  const { keeper, outbox, logger, gate, bridge } = deps;
  const aborter = new AbortController();
  const { signal } = aborter;
  const underWay = new Map<string, Promise<void>>();

  const evict = async (connection: ConnectionConfig, slot: string): Promise<void> => {
    const { endpoint, clientIdPrefix, version, connectTimeoutMs, maxClients } = connectWith(awsSettings(connection, slot));
    const clientIds = Array.from({ length: maxClients }, (_, index) => `${clientIdPrefix}-${index + 1}`);
    await evictSessions({ endpoint, clientIds, version, gate, timeoutMs: connectTimeoutMs }, signal);
  };

  const collect = async (connection: ConnectionConfig, slot: string): Promise<void> => {
    const settings = subscriberSettings(connection, bridge, slot);
    if (settings === undefined) return;
    const limit = timeLimit(signal, collectMs);
    await collectDownlinks(connectWith(settings), { receive: deps.receive, metrics: deps.metrics, logger, gate, quietMs }, limit.signal).catch((error: unknown) => {
      if (!limit.isOver()) throw error;
      logger.warn({ slot, connection_id: connection.id }, 'the downlink session of the replica that is gone never fell quiet, leaving it');
    }).finally(() => limit.end());
  };

  /** Tries until it is done, the slot is another's, or the bridge stops. */
  const persist = async (what: string, slot: string, work: () => Promise<boolean>): Promise<void> => {
    for (let failures = 0; !signal.aborted && keeper.orphans().includes(slot); failures += 1) {
      try {
        if (await work()) return;
      } catch (error) {
        logger.warn({ slot, detail: messageOf(error) }, `${what} failed, trying again`);
      }
      await pause(backoffMs(retryBackoff, failures), signal);
    }
  };

  const active = (connectionId: string): ConnectionConfig | undefined => [...deps.connections()].find(({ id, active: runs }) => id === connectionId && runs);

  const adopt = async (slot: string, connectionId: string): Promise<void> => {
    const connection = active(connectionId);
    if (connection !== undefined) await evict(connection, slot);
    const messages = await outbox.adopt(slot, connectionId);
    logger.info({ slot, connection_id: connectionId, detail: `${messages} messages` }, 'took over the messages of a replica that is gone');
  };

  const adoptAll = async (slot: string): Promise<boolean> => {
    const pending = await outbox.pendingUnder(slot);
    const results = await Promise.allSettled(pending.map(({ connectionId }) => adopt(slot, connectionId)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return true;
  };

  const takeOver = async (slot: string): Promise<void> => {
    logger.warn({ slot }, 'the replica of this slot is gone, taking over what it left');
    const collecting = [...deps.connections()].filter(({ active: runs }) => runs).map((connection) =>
      persist('collecting downlinks', slot, async () => {
        await collect(connection, slot);
        return true;
      }));
    await Promise.all([...collecting, persist('taking over', slot, () => adoptAll(slot))]);
    await persist('finishing', slot, async () => (await adoptAll(slot)) && keeper.finish(slot));
  };

  return {
    begin(slot) {
      if (underWay.has(slot) || signal.aborted) return;
      underWay.set(slot, takeOver(slot).finally(() => underWay.delete(slot)));
    },
    async stop() {
      aborter.abort();
      await Promise.allSettled(underWay.values());
    },
  };
};
