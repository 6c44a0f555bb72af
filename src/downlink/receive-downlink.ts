import { BridgeError, messageOf } from '../errors.js';
import { createInTurn } from '../in-turn.js';
import type { Logger } from '../log.js';
import type { Downlink } from '../messages/downlink.js';
import { extractDeviceId } from '../topics/topic-filter.js';
import { completeDownlink, networkServerOf, targetOf, type ConnectionDownlinks } from './complete-downlink.js';
import type { ParsedDownlink } from './downlink-draft.js';
import { identitiesOf, rejectionId, type DownlinkIdentity, type MessageOrigin } from './downlink-identity.js';
import { rejectedStatus } from './downlink-status.js';
import type { DownlinkMetrics } from './metrics.js';
import { parseDownlink } from './parse-downlink.js';
import type { DeviceRecord, Devices, DownlinkQueue, DownlinkTarget, IncomingDownlink, Notice, ReceiveDownlink, StatusOutlet, SubmittedDownlinks } from './ports.js';
import { createReportNotices } from './report-notices.js';
import { createReporter } from './report-status.js';
import { createStoreDownlink, type Stored } from './store-downlink.js';

export interface ReceiveOptions {
  readonly queue: Pick<DownlinkQueue, 'add' | 'forget'>;
  readonly submitted: Pick<SubmittedDownlinks, 'remove'>;
  readonly devices: Pick<Devices, 'find'>;
  readonly statuses: StatusOutlet;
  readonly targets: ReadonlyMap<string, DownlinkTarget>;
  readonly connections: ReadonlyMap<string, ConnectionDownlinks>;
  readonly metrics: Pick<DownlinkMetrics, 'received' | 'rejected' | 'state'>;
  readonly logger: Logger;
  readonly now?: () => number;
}

/** One message on its way through. */
interface Arrival extends MessageOrigin {
  readonly connection: ConnectionDownlinks;
  readonly record: DeviceRecord | undefined;
}

/** One downlink of it. */
interface Place {
  readonly index: number;
  readonly parsed: ParsedDownlink;
  readonly identity: DownlinkIdentity;
}

/** Hexadecimal ids (DevEUI, Sigfox) are known in lower case, however the topic writes them. */
const knownDeviceId = (text: string): string => (/^[0-9a-fA-F]+$/.test(text) ? text.toLowerCase() : text);

const asRejection = (error: unknown): BridgeError => (error instanceof BridgeError ? error : new BridgeError('internal_error', { detail: messageOf(error), cause: error }));

/**
 * Takes the messages of the AWS subscriptions: checked, stored, and reported as `queued` or `rejected` before AWS is told. Rejects
 * only when storing failed; doing it again then is safe.
 */
export const createReceiveDownlink = (options: ReceiveOptions): ReceiveDownlink => {
  const { queue, submitted, devices, statuses, targets, connections, metrics, logger, now = Date.now } = options;
  const deviceOf = new Map([...connections].map(([id, { topicPattern }]) => [id, extractDeviceId(topicPattern)]));
  const reporter = createReporter({ statuses, metrics, logger, now });
  const reportNotices = createReportNotices({ queue, submitted, reporter });
  const storeDownlink = createStoreDownlink(queue);
  const inTurn = createInTurn();

  const reject = async (arrival: Arrival, { index, parsed }: Place, error: BridgeError): Promise<void> => {
    const { connectionId, deviceId, record } = arrival;
    const { correlationId } = parsed.kind === 'draft' ? parsed.draft : parsed;
    const fPort = parsed.kind === 'draft' ? parsed.draft.fPort : undefined;
    const target = record === undefined ? undefined : targets.get(record.networkServerId);
    await statuses.publish({
      connectionId,
      ...(target === undefined ? {} : { networkServer: { id: target.id, kind: target.kind } }),
      fields: rejectedStatus({ deviceId, error, ...(correlationId === undefined ? {} : { correlationId }), ...(fPort === undefined ? {} : { fPort }) }, now()),
      key: `${rejectionId(arrival, index)} rejected 0`,
    });
    metrics.received(connectionId, 'rejected');
    metrics.rejected(connectionId, error.reason);
    metrics.state(connectionId, 'rejected');
    logger.debug({ connection_id: connectionId, dev_eui: deviceId, reason: error.reason, detail: error.message }, 'downlink rejected');
  };

  /** The complete downlink and who will carry it. @throws BridgeError for which it is rejected */
  const complete = (arrival: Arrival, { parsed, identity }: Place): { downlink: Downlink; target: DownlinkTarget } => {
    if (parsed.kind === 'rejection') throw parsed.error;
    const { connection, deviceId, receivedAt, record } = arrival;
    const target = targetOf(targets, networkServerOf(record, connection));
    return { target, downlink: completeDownlink(parsed.draft, { id: identity.id, deviceId, receivedAt, target, connection }) };
  };

  const replaced = (notices: readonly Notice[]): Promise<void> =>
    reportNotices(notices).catch((error: unknown) => logger.debug({ detail: messageOf(error) }, 'replaced downlinks are reported later'));

  /** `queued` is said for a duplicate too: the bridge may have ended after storing the first and before saying so. */
  const concludeStored = async (downlink: Downlink, { id, state, notices }: Stored): Promise<void> => {
    const counted = state === 'stored' ? reporter : createReporter({ statuses, metrics: { state: () => undefined }, logger, now });
    await counted.publish({ downlink: { ...downlink, id }, state: 'queued', attempt: 0 });
    metrics.received(downlink.connectionId, state);
    await replaced(notices);
  };

  const takeOne = async (arrival: Arrival, place: Place): Promise<void> => {
    let completed: ReturnType<typeof complete>;
    try {
      completed = complete(arrival, place);
    } catch (error) {
      return reject(arrival, place, asRejection(error));
    }
    const { downlink, target } = completed;
    try {
      await concludeStored(downlink, await storeDownlink(downlink, { identity: place.identity, delivery: target.delivery, capacity: arrival.connection.maxWaiting }));
    } catch (error) {
      if (!(error instanceof BridgeError) || error.reason !== 'downlink_queue_full') throw error;
      await reject(arrival, place, error);
    }
  };

  const take = async ({ connectionId, payload }: IncomingDownlink, connection: ConnectionDownlinks, deviceId: string): Promise<void> => {
    const receivedAt = now();
    const all = parseDownlink(payload, { deviceId, receivedAt });
    const arrival: Arrival = { connectionId, deviceId, payload, receivedAt, windowMs: connection.windowMs, connection, record: await devices.find(deviceId) };
    const identities = identitiesOf(arrival, all);
    for (const [index, parsed] of all.entries()) {
      const identity = identities[index];
      if (identity !== undefined) await takeOne(arrival, { index, parsed, identity });
    }
  };

  return async (incoming) => {
    const connection = connections.get(incoming.connectionId);
    const named = deviceOf.get(incoming.connectionId)?.(incoming.topic);
    if (connection === undefined || named === undefined) {
      metrics.received(incoming.connectionId, 'rejected');
      metrics.rejected(incoming.connectionId, 'unknown_device');
      return logger.warn({ connection_id: incoming.connectionId, detail: incoming.topic }, 'downlink on a topic that names no device');
    }
    const deviceId = knownDeviceId(named);
    await inTurn(deviceId, () => take(incoming, connection, deviceId));
  };
};
