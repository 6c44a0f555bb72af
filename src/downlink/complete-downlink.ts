import { BridgeError, fieldError } from '../errors.js';
import type { Downlink } from '../messages/downlink.js';
import type { DownlinkDraft } from './downlink-draft.js';
import type { DeviceRecord, DownlinkTarget } from './ports.js';

/** What one connection says about its downlinks. */
export interface ConnectionDownlinks {
  readonly id: string;
  readonly topicPattern: string;
  readonly defaultFPort?: number;
  /** How long a downlink is tried that names no validity time, ms. */
  readonly validityMs: number;
  /** Network server of devices that were never heard. */
  readonly defaultNetworkServer?: string;
  /** How long a downlink without a correlation id is remembered by its text, ms. */
  readonly windowMs: number;
  /** Most downlinks that may wait. */
  readonly maxWaiting: number;
}

/** The network server of a device, as the connection may use it. @throws BridgeError unknown_device, device_not_routed */
export const networkServerOf = (record: DeviceRecord | undefined, connection: ConnectionDownlinks): string => {
  if (record === undefined) {
    if (connection.defaultNetworkServer === undefined) throw new BridgeError('unknown_device');
    return connection.defaultNetworkServer;
  }
  if (!record.connectionIds.includes(connection.id)) throw new BridgeError('device_not_routed');
  return record.networkServerId;
};

/** @throws BridgeError downlink_unsupported for a network server without a downlink API */
export const targetOf = (targets: ReadonlyMap<string, DownlinkTarget>, networkServerId: string): DownlinkTarget => {
  const target = targets.get(networkServerId);
  if (target === undefined) throw new BridgeError('downlink_unsupported', { detail: `the network server ${networkServerId} takes no downlinks` });
  return target;
};

/** Sigfox has no FPort; anywhere else a downlink cannot be without one. @throws BridgeError invalid_field */
const fPortOf = (draft: DownlinkDraft, target: DownlinkTarget, connection: ConnectionDownlinks): Pick<Downlink, 'fPort'> => {
  if (target.kind === 'sigfox') return {};
  const fPort = draft.fPort ?? connection.defaultFPort;
  if (fPort === undefined) throw fieldError(draft.fPortField, 'is required, because the connection has no downlinkPort');
  return { fPort };
};

export interface Completion {
  readonly id: string;
  readonly deviceId: string;
  readonly receivedAt: number;
  readonly target: DownlinkTarget;
  readonly connection: ConnectionDownlinks;
}

/** A draft with everything that only the bridge knows, checked by its network server. @throws BridgeError invalid_field, downlink_unsupported */
export const completeDownlink = (draft: DownlinkDraft, { id, deviceId, receivedAt, target, connection }: Completion): Downlink => {
  const downlink: Downlink = {
    id,
    ...(draft.correlationId === undefined ? {} : { correlationId: draft.correlationId }),
    connectionId: connection.id,
    deviceId,
    networkServer: { id: target.id, kind: target.kind },
    ...fPortOf(draft, target, connection),
    ...(draft.payload === undefined ? {} : { payload: draft.payload }),
    ...(draft.object === undefined ? {} : { object: draft.object }),
    confirmed: draft.confirmed,
    flush: draft.flush || (target.delivery === 'mailbox' && target.newestWins),
    receivedAt,
    validUntil: draft.validUntil ?? receivedAt + connection.validityMs,
    ...(draft.options === undefined ? {} : { options: draft.options }),
  };
  target.check(downlink);
  return downlink;
};
