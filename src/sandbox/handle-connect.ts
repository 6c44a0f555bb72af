import { randomUUID } from 'node:crypto';
import type { IConnackPacket, IConnectPacket } from 'mqtt-packet';
import type { Broker } from './broker.js';
import type { Client, Will } from './client.js';
import { effectiveKeepAlive, exceeds, type SandboxLimits } from './limits.js';
import { toMessage } from './message.js';
import type { RefusalReason } from './reason-code.js';
import { isLegalTopic } from './topic-rules.js';
import { maxPacketBytes } from './wire.js';

interface Attempt {
  readonly packet: IConnectPacket;
  readonly client: Client;
  readonly broker: Broker;
}

type Check = (attempt: Attempt) => RefusalReason | undefined;

/** AWS refuses a client that announces less (MQTT 5 Maximum Packet Size). */
const leastPacketSize = 512;
const maxReceiveMaximum = 65_535;

const checkVersion: Check = ({ packet }) => (packet.protocolVersion === 3 ? 'protocol_version' : undefined);

const checkClientId: Check = ({ packet, client, broker }) => {
  const { clientId } = packet;
  const homeless = clientId === '' && client.protocolVersion === 4 && packet.clean === false; // MQTT-3.1.3-8
  const tooLong = exceeds(Buffer.byteLength(clientId), broker.limits.maxClientIdBytes);
  return homeless || tooLong || clientId.startsWith('$') ? 'client_id_invalid' : undefined;
};

const checkProperties: Check = ({ packet }) => {
  if (packet.properties?.authenticationMethod !== undefined) return 'authentication_method';
  return (packet.properties?.maximumPacketSize ?? Infinity) < leastPacketSize ? 'packet_size_too_small' : undefined;
};

const checkWill: Check = ({ packet, broker }) => {
  if (packet.will === undefined) return undefined;
  if (packet.will.qos === 2) return 'will_qos_not_supported';
  return isLegalTopic(packet.will.topic, broker.limits) ? undefined : 'will_topic_invalid';
};

const checkPolicy: Check = ({ client }) => (client.allows('iot:Connect', `client/${client.clientId}`) ? undefined : 'not_authorized');

const checkRate: Check = ({ client, broker }) => (broker.connectQuota(client.clientId).admit(performance.now()) ? undefined : 'connect_rate');

const checks: readonly Check[] = [checkVersion, checkClientId, checkProperties, checkWill, checkPolicy, checkRate];

/** MQTT 3.1.1 knows no expiry: a session that is not clean gets AWS's. What a client asks for in MQTT 5 is lowered to it. */
const expiryOf = (packet: IConnectPacket, limits: SandboxLimits): number => {
  const longest = limits.sessionExpirySeconds === 0 ? Infinity : limits.sessionExpirySeconds;
  if (packet.protocolVersion === 5) return Math.min(packet.properties?.sessionExpiryInterval ?? 0, longest);
  return packet.clean === false ? longest : 0;
};

const willOf = ({ packet, client }: Attempt): Will | undefined => {
  if (packet.will === undefined) return undefined;
  return { message: toMessage(packet.will, client.clientId, Date.now()), delaySeconds: packet.will.properties?.willDelayInterval ?? 0 };
};

interface Granted {
  readonly expirySeconds: number;
  readonly keepAliveSeconds: number;
  readonly sessionPresent: boolean;
}

const connackProperties = ({ packet, client, broker }: Attempt, granted: Granted): NonNullable<IConnackPacket['properties']> => ({
  sessionExpiryInterval: Math.min(granted.expirySeconds, 0xffff_ffff),
  receiveMaximum: broker.limits.receiveMaximum || maxReceiveMaximum,
  maximumQoS: 1,
  retainAvailable: true,
  maximumPacketSize: maxPacketBytes,
  topicAliasMaximum: broker.limits.topicAliasMaximum,
  wildcardSubscriptionAvailable: true,
  subscriptionIdentifiersAvailable: false,
  sharedSubscriptionAvailable: true,
  serverKeepAlive: granted.keepAliveSeconds,
  ...(packet.clientId === '' ? { assignedClientIdentifier: client.clientId } : {}),
});

const connack = (attempt: Attempt, granted: Granted): IConnackPacket => {
  const { sessionPresent } = granted;
  if (attempt.client.protocolVersion === 4) return { cmd: 'connack', returnCode: 0, sessionPresent };
  return { cmd: 'connack', reasonCode: 0, sessionPresent, properties: connackProperties(attempt, granted) };
};

const accept = (attempt: Attempt): void => {
  const { packet, client, broker } = attempt;
  const { limits } = broker;
  broker.online.get(client.clientId)?.close('duplicate_client_id');
  const { session, present } = broker.sessions.open(client.clientId, client.protocolVersion, packet.clean !== false);
  const granted = { expirySeconds: expiryOf(packet, limits), keepAliveSeconds: effectiveKeepAlive(packet.keepalive ?? 0, limits), sessionPresent: present };
  client.sendPacket(connack(attempt, granted));
  client.open({
    ...granted,
    session,
    will: willOf(attempt),
    window: Math.min(packet.properties?.receiveMaximum ?? maxReceiveMaximum, limits.receiveMaximum || maxReceiveMaximum),
    maximumPacketSize: packet.properties?.maximumPacketSize ?? Infinity,
  });
  session.pump();
};

/** CONNECT: let in, or refused as AWS refuses (`refusalReasons`). */
export const handleConnect = (client: Client, broker: Broker, packet: IConnectPacket): void => {
  client.protocolVersion = packet.protocolVersion === 5 ? 5 : 4;
  client.clientId = packet.clientId === '' ? `sandbox-${randomUUID()}` : packet.clientId;
  const attempt = { packet, client, broker };
  for (const check of checks) {
    const refusal = check(attempt);
    if (refusal !== undefined) return client.refuse(refusal);
  }
  const rule = broker.rules.onConnect();
  if (rule !== undefined) return client.refuse('misbehaviour', rule.reasonCode);
  accept(attempt);
};
