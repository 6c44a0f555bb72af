import type { BrokerMessage } from './message.js';
import type { CloseReason } from './reason-code.js';

/** AWS's names of why a client left (AWS IoT developer guide, "Lifecycle events"). */
const disconnectReasons: Partial<Record<CloseReason, string>> = {
  client_disconnect: 'CLIENT_INITIATED_DISCONNECT',
  connection_lost: 'CONNECTION_LOST',
  cut: 'CONNECTION_LOST',
  duplicate_client_id: 'DUPLICATE_CLIENTID',
  keep_alive_timeout: 'MQTT_KEEP_ALIVE_TIMEOUT',
  not_authorized: 'FORBIDDEN_ACCESS',
  certificate_not_active: 'AUTH_ERROR',
  administrative: 'API_INITIATED_DISCONNECT',
  stopping: 'SERVER_INITIATED_DISCONNECT',
  misbehaviour: 'SERVER_INITIATED_DISCONNECT',
};

export interface PresenceOf {
  readonly clientId: string;
  readonly principalId: string;
  readonly at: number;
}

const presenceMessage = (what: 'connected' | 'disconnected', { clientId, principalId, at }: PresenceOf, more: object): BrokerMessage => ({
  topic: `$aws/events/presence/${what}/${clientId}`,
  payload: Buffer.from(JSON.stringify({ clientId, timestamp: at, eventType: what, principalIdentifier: principalId, ...more })),
  qos: 0,
  retain: false,
  publisher: '',
});

/** What AWS publishes when a client connected; nothing for client ids with `#` or `+`. */
export const connectedMessage = (who: PresenceOf): BrokerMessage | undefined =>
  /[#+]/.test(who.clientId) ? undefined : presenceMessage('connected', who, {});

/** What AWS publishes when a client left. */
export const disconnectedMessage = (who: PresenceOf, reason: CloseReason): BrokerMessage | undefined => {
  if (/[#+]/.test(who.clientId)) return undefined;
  const clientInitiatedDisconnect = reason === 'client_disconnect';
  return presenceMessage('disconnected', who, { clientInitiatedDisconnect, disconnectReason: disconnectReasons[reason] ?? 'CLIENT_ERROR' });
};
