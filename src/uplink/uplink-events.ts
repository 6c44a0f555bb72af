import type { Reason } from '../errors.js';
import type { BridgeEvent } from '../messages/bridge-event.js';
import type { NewRecord } from './ports.js';

/** A message was given up and is kept for a person. */
export const parkedEvent = ({ connectionId, deviceId, messageId }: NewRecord, reason: Reason, detail: string): BridgeEvent => ({
  subject: { kind: 'connection', id: connectionId },
  time: Date.now(),
  level: 'warning',
  text: 'message parked',
  reason,
  detail,
  deviceId,
  messageId,
});

/** Nothing at all is allowed on the connection, or something is again. */
export const heldEvent = (connectionId: string, held: boolean): BridgeEvent => ({
  subject: { kind: 'connection', id: connectionId },
  time: Date.now(),
  level: held ? 'error' : 'info',
  text: held ? 'connection held' : 'connection no longer held',
  ...(held ? { reason: 'connection_held' } : {}),
});
