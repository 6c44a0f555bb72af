import { BridgeError, fieldError } from '../errors.js';
import type { ConnectionDownlinks } from './complete-downlink.js';
import type { IntakeParts } from './intake-parts.js';
import type { DeviceRecord } from './ports.js';
import { knownDeviceId, placesOf, type Arrival, type Place } from './take-downlink.js';

export interface PostRequest {
  /** Needed where the device is routed to several connections, or was never heard. */
  readonly connectionId?: string;
  readonly deviceId: string;
  /** One of the three forms that AWS messages have. */
  readonly document: unknown;
}

/** What became of one downlink of a document. */
export type PostedDownlink =
  | {
      readonly kind: 'stored';
      /** 32 hex digits; of a duplicate the id of the one that came first. */
      readonly downlinkId: string;
      readonly state: 'queued';
      /** It came before (within the window), and is not there twice. */
      readonly duplicate: boolean;
      readonly connectionId: string;
      readonly networkServerId: string;
      readonly correlationId?: string;
    }
  | { readonly kind: 'rejected'; readonly error: BridgeError; readonly correlationId?: string };

/**
 * Takes a document as AWS's messages are taken: each downlink is checked, stored and reported as `queued`, in the document's order (The Things Stack's
 * form holds up to 500, and a wrong one does not keep the others back). Nothing is published about what is rejected: the caller is told.
 * When storing fails in the middle, the same request again finds the first ones as duplicates.
 * @throws BridgeError an error that befalls every downlink of the document: malformed_body, invalid_field, unknown_device, device_not_routed, downlink_unsupported,
 * downlink_queue_full; then nothing was stored. outbox_full, store_unavailable, stopping
 */
export type PostDownlink = (request: PostRequest) => Promise<readonly PostedDownlink[]>;

/** The error where all were rejected for the same; a document with one downlink has no other. */
const errorOfAll = (posted: readonly PostedDownlink[]): BridgeError | undefined => {
  const errors = posted.flatMap((one) => (one.kind === 'rejected' ? one.error : []));
  const [first] = errors;
  return errors.length === posted.length && errors.every(({ message }) => message === first?.message) ? first : undefined;
};

export const createPostDownlink = ({ take, inTurn, devices, connections, metrics, logger, now }: IntakeParts): PostDownlink => {
  const onlyConnectionOf = (record: DeviceRecord | undefined): ConnectionDownlinks => {
    if (record === undefined) throw fieldError('connectionId', 'is required, because the device was never heard');
    const routed = record.connectionIds.flatMap((id) => connections.get(id) ?? []);
    const [first] = routed;
    if (first === undefined) throw new BridgeError('device_not_routed', { detail: 'the messages of the device go to no connection' });
    if (routed.length > 1) throw fieldError('connectionId', `is required, because the device is routed to several: ${routed.map(({ id }) => id).join(', ')}`);
    return first;
  };

  const connectionOf = ({ connectionId }: PostRequest, record: DeviceRecord | undefined): ConnectionDownlinks => {
    if (connectionId === undefined) return onlyConnectionOf(record);
    const connection = connections.get(connectionId);
    if (connection === undefined) throw fieldError('connectionId', 'names no connection');
    return connection;
  };

  /** What is refused is counted, as AWS's messages are. */
  const rejected = ({ connectionId, deviceId }: Arrival, { parsed }: Place, error: BridgeError): PostedDownlink => {
    metrics.received(connectionId, 'rejected');
    metrics.rejected(connectionId, error.reason);
    logger.debug({ connection_id: connectionId, dev_eui: deviceId, reason: error.reason, detail: error.message }, 'posted downlink rejected');
    const { correlationId } = parsed.kind === 'draft' ? parsed.draft : parsed;
    return { kind: 'rejected', error, ...(correlationId === undefined ? {} : { correlationId }) };
  };

  const takeOne = async (arrival: Arrival, place: Place): Promise<PostedDownlink> => {
    const taken = await take(arrival, place);
    if (taken.kind === 'rejected') return rejected(arrival, place, taken.error);
    const { downlink, stored } = taken;
    return {
      kind: 'stored',
      downlinkId: stored.id,
      state: 'queued',
      duplicate: stored.state === 'duplicate',
      connectionId: downlink.connectionId,
      networkServerId: downlink.networkServer.id,
      ...(downlink.correlationId === undefined ? {} : { correlationId: downlink.correlationId }),
    };
  };

  const takeAll = async (request: PostRequest, deviceId: string): Promise<readonly PostedDownlink[]> => {
    const record = await devices.find(deviceId);
    const connection = connectionOf(request, record);
    const payload = Buffer.from(JSON.stringify(request.document ?? null));
    const arrival: Arrival = { connectionId: connection.id, deviceId, payload, receivedAt: now(), windowMs: connection.windowMs, connection, record };
    const posted: PostedDownlink[] = [];
    for (const place of placesOf(arrival)) posted.push(await takeOne(arrival, place));
    const error = errorOfAll(posted);
    if (error !== undefined) throw error;
    return posted;
  };

  return async (request) => {
    if (request.deviceId === '') throw fieldError('deviceId', 'is required');
    const deviceId = knownDeviceId(request.deviceId);
    return inTurn(deviceId, () => takeAll(request, deviceId));
  };
};
