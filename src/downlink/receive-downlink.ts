import { BridgeError } from '../errors.js';
import { extractDeviceId } from '../topics/topic-filter.js';
import type { ConnectionDownlinks } from './complete-downlink.js';
import type { IntakeParts } from './intake-parts.js';
import { rejectionId } from './downlink-identity.js';
import type { IncomingDownlink, ReceiveDownlink } from './ports.js';
import { knownDeviceId, placesOf, type Arrival, type Place } from './take-downlink.js';

/**
 * Takes the messages of the AWS subscriptions: checked, stored, and reported as `queued` or `rejected` before AWS is told. Rejects when
 * storing failed, and for a connection that was removed, whose session AWS keeps for a while; doing it again is safe.
 */
export const createReceiveDownlink = ({ take, inTurn, reporter, devices, targets, connections, metrics, logger, now }: IntakeParts): ReceiveDownlink => {
  const readers = new WeakMap<ConnectionDownlinks, ReturnType<typeof extractDeviceId>>();

  const deviceOf = (connection: ConnectionDownlinks, topic: string): string | undefined => {
    const reader = readers.get(connection) ?? extractDeviceId(connection.topicPattern);
    readers.set(connection, reader);
    return reader(topic);
  };

  const reject = async (arrival: Arrival, { index, parsed }: Place, error: BridgeError): Promise<void> => {
    const { connectionId, deviceId, record } = arrival;
    const { correlationId } = parsed.kind === 'draft' ? parsed.draft : parsed;
    const fPort = parsed.kind === 'draft' ? parsed.draft.fPort : undefined;
    const target = record === undefined ? undefined : targets.get(record.networkServerId);
    await reporter.reject({
      id: rejectionId(arrival, index),
      connectionId,
      deviceId,
      error,
      ...(target === undefined ? {} : { networkServer: { id: target.id, kind: target.kind } }),
      ...(correlationId === undefined ? {} : { correlationId }),
      ...(fPort === undefined ? {} : { fPort }),
    });
    metrics.received(connectionId, 'rejected');
    metrics.rejected(connectionId, error.reason);
    logger.debug({ connection_id: connectionId, dev_eui: deviceId, reason: error.reason, detail: error.message }, 'downlink rejected');
  };

  const takeAll = async ({ connectionId, payload }: IncomingDownlink, connection: ConnectionDownlinks, deviceId: string): Promise<void> => {
    const receivedAt = now();
    const arrival: Arrival = { connectionId, deviceId, payload, receivedAt, windowMs: connection.windowMs, connection, record: await devices.find(deviceId) };
    for (const place of placesOf(arrival)) {
      const taken = await take(arrival, place);
      if (taken.kind === 'rejected') await reject(arrival, place, taken.error);
    }
  };

  return async (incoming) => {
    const connection = connections.get(incoming.connectionId);
    if (connection === undefined) throw new BridgeError('no_connection', { detail: `the connection ${incoming.connectionId} was removed` });
    const named = deviceOf(connection, incoming.topic);
    if (named === undefined) {
      metrics.received(incoming.connectionId, 'rejected');
      metrics.rejected(incoming.connectionId, 'unknown_device');
      return logger.warn({ connection_id: incoming.connectionId, detail: incoming.topic }, 'downlink on a topic that names no device');
    }
    const deviceId = knownDeviceId(named);
    await inTurn(deviceId, () => takeAll(incoming, connection, deviceId));
  };
};
