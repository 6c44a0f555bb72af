import type { Downlink } from '../messages/downlink.js';
import type { DownlinkStatusFields } from '../messages/message.js';
import type { DownlinkLife, DownlinkStep } from './ports.js';

/** Whose life it is. */
export const lifeOf = ({ id, connectionId, deviceId, correlationId, networkServer }: Downlink): Omit<DownlinkLife, 'steps'> => ({
  downlinkId: id,
  connectionId,
  deviceId,
  networkServerId: networkServer.id,
  ...(correlationId === undefined ? {} : { correlationId }),
});

/** The step that a status tells. `time`: epoch ms by the bridge's clock, so that all steps of a life are comparable. */
export const stepOf = ({ state, attempt, cause }: DownlinkStatusFields, time: number): DownlinkStep => ({ state, time, attempt: attempt ?? 0, ...(cause === undefined ? {} : { cause }) });
