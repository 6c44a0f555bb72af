import { BridgeError, messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { Downlink } from '../messages/downlink.js';
import { completeDownlink, networkServerOf, targetOf, type ConnectionDownlinks } from './complete-downlink.js';
import type { ParsedDownlink } from './downlink-draft.js';
import { identitiesOf, type DownlinkIdentity, type MessageOrigin } from './downlink-identity.js';
import type { DownlinkMetrics } from './metrics.js';
import { parseDownlink } from './parse-downlink.js';
import type { DeviceRecord, DownlinkQueue, DownlinkTarget, Notice, SubmittedDownlinks } from './ports.js';
import { createReportNotices } from './report-notices.js';
import type { Reporter } from './report-status.js';
import { createStoreDownlink, type Stored } from './store-downlink.js';

export interface TakeOptions {
  readonly queue: Pick<DownlinkQueue, 'add' | 'forget'>;
  readonly submitted: Pick<SubmittedDownlinks, 'remove'>;
  readonly targets: ReadonlyMap<string, DownlinkTarget>;
  readonly metrics: Pick<DownlinkMetrics, 'received'>;
  readonly reporter: Pick<Reporter, 'publish' | 'publishAgain'>;
  readonly logger: Logger;
}

/** One message on its way in. */
export interface Arrival extends MessageOrigin {
  readonly connection: ConnectionDownlinks;
  readonly record: DeviceRecord | undefined;
}

/** One downlink of it. */
export interface Place {
  readonly index: number;
  readonly parsed: ParsedDownlink;
  readonly identity: DownlinkIdentity;
}

/** What became of one downlink: what the caller is told of a rejection is up to who took it in. */
export type Taken = { readonly kind: 'stored'; readonly downlink: Downlink; readonly stored: Stored } | { readonly kind: 'rejected'; readonly error: BridgeError };

/**
 * What both ways in have in common, AWS's subscriptions and the API: the downlink is completed, stored, and reported as queued.
 * @throws BridgeError outbox_full, store_unavailable, stopping: it may come again
 */
export type TakeDownlink = (arrival: Arrival, place: Place) => Promise<Taken>;

/** Hexadecimal ids (DevEUI, Sigfox) are known in lower case, however the caller writes them. */
export const knownDeviceId = (text: string): string => (/^[0-9a-fA-F]+$/.test(text) ? text.toLowerCase() : text);

const asRejection = (error: unknown): BridgeError => (error instanceof BridgeError ? error : new BridgeError('internal_error', { detail: messageOf(error), cause: error }));

/** The downlinks of a message, in its order. */
export const placesOf = (arrival: Arrival): readonly Place[] => {
  const all = parseDownlink(arrival.payload, arrival);
  const identities = identitiesOf(arrival, all);
  return all.flatMap((parsed, index) => {
    const identity = identities[index];
    return identity === undefined ? [] : [{ index, parsed, identity }];
  });
};

export const createTakeDownlink = ({ queue, submitted, targets, metrics, reporter, logger }: TakeOptions): TakeDownlink => {
  const reportNotices = createReportNotices({ queue, submitted, reporter });
  const storeDownlink = createStoreDownlink(queue);

  const replaced = (notices: readonly Notice[]): Promise<void> =>
    reportNotices(notices).catch((error: unknown) => logger.debug({ detail: messageOf(error) }, 'replaced downlinks are reported later'));

  /** `queued` is said for a duplicate too: the bridge may have ended after storing the first and before saying so. */
  const sayQueued = (downlink: Downlink, { id, state }: Stored): Promise<void> => {
    const report = { downlink: { ...downlink, id }, state: 'queued', attempt: 0 } as const;
    return state === 'stored' ? reporter.publish(report) : reporter.publishAgain(report);
  };

  const complete = ({ connection, deviceId, receivedAt, record }: Arrival, { parsed, identity }: Place): { downlink: Downlink; target: DownlinkTarget } => {
    if (parsed.kind === 'rejection') throw parsed.error;
    const target = targetOf(targets, networkServerOf(record, connection));
    return { target, downlink: completeDownlink(parsed.draft, { id: identity.id, deviceId, receivedAt, target, connection }) };
  };

  const store = async ({ connection }: Arrival, { identity }: Place, { downlink, target }: ReturnType<typeof complete>): Promise<Taken> => {
    const stored = await storeDownlink(downlink, { identity, delivery: target.delivery, capacity: connection.maxWaiting });
    await sayQueued(downlink, stored);
    metrics.received(connection.id, stored.state);
    await replaced(stored.notices);
    return { kind: 'stored', downlink, stored };
  };

  return async (arrival, place) => {
    let completed: ReturnType<typeof complete>;
    try {
      completed = complete(arrival, place);
    } catch (error) {
      return { kind: 'rejected', error: asRejection(error) };
    }
    try {
      return await store(arrival, place, completed);
    } catch (error) {
      if (!(error instanceof BridgeError) || error.reason !== 'downlink_queue_full') throw error;
      return { kind: 'rejected', error };
    }
  };
};
