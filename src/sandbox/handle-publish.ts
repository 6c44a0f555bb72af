import type { IPublishPacket } from 'mqtt-packet';
import type { DiscardReason } from './books.js';
import type { Broker } from './broker.js';
import type { Client } from './client.js';
import { exceeds } from './limits.js';
import { toMessage } from './message.js';
import type { PublishRule } from './misbehaviour.js';
import type { CloseReason } from './reason-code.js';
import { isLegalTopic } from './topic-rules.js';

interface Incoming {
  readonly packet: IPublishPacket;
  readonly topic: string;
  readonly client: Client;
  readonly broker: Broker;
}

/** The topic a publish means, after its alias (MQTT 5.0, 3.3.2.3.4), or why the connection has to close. */
const resolveTopic = (client: Client, broker: Broker, packet: IPublishPacket): { topic: string } | { close: CloseReason } => {
  const alias = packet.properties?.topicAlias;
  if (alias === undefined) return { topic: packet.topic };
  if (alias < 1 || alias > broker.limits.topicAliasMaximum) return { close: 'topic_alias_invalid' };
  const topic = packet.topic === '' ? client.aliases.get(alias) : packet.topic;
  if (topic === undefined) return { close: 'protocol_error' };
  client.aliases.set(alias, topic);
  return { topic };
};

/** What AWS closes a connection for. */
const violationOf = ({ packet, topic, client, broker }: Incoming): CloseReason | undefined => {
  if (packet.qos > 0 && (packet.messageId ?? 0) < 1) return 'malformed_packet';
  if (packet.qos === 2 && client.protocolVersion === 5) return 'qos_not_supported';
  if (!isLegalTopic(topic, broker.limits)) return 'topic_invalid';
  if (exceeds(packet.payload.length, broker.limits.maxPayloadBytes)) return 'packet_too_large';
  if (!client.allows('iot:Publish', `topic/${topic}`)) return 'not_authorized';
  return packet.retain && !client.allows('iot:RetainPublish', `topic/${topic}`) ? 'not_authorized' : undefined;
};

const discard = ({ client, broker, topic }: Incoming, reason: DiscardReason): void => {
  broker.books.note({ kind: 'discarded', at: Date.now(), clientId: client.clientId, topic, reason });
};

/** PUBACK; success has no reason code, so it is the same four bytes in 3.1.1 and 5 and is not worth a generator. */
const acknowledge = (client: Client, packetId: number, reasonCode = 0): void => {
  if (reasonCode === 0) client.send(Buffer.from([0x40, 0x02, packetId >> 8, packetId & 0xff]));
  else client.sendPacket({ cmd: 'puback', messageId: packetId, reasonCode });
};

const acknowledgeLater = (client: Client, packetId: number, delayMs: number): void => {
  client.unacknowledged.add(packetId);
  const send = (): void => {
    if (client.unacknowledged.delete(packetId) && !client.closed) acknowledge(client, packetId);
  };
  setTimeout(send, delayMs).unref();
};

const deliver = ({ packet, topic, client, broker }: Incoming): void => {
  const at = Date.now();
  const message = toMessage({ ...packet, topic }, client.clientId, at);
  broker.books.accepted({ topic, payload: message.payload, qos: message.qos, clientId: client.clientId, at });
  broker.router.route(message);
};

/** True when a rule ended the matter; false when the publish goes on and only its PUBACK may be special. */
const misbehave = (incoming: Incoming, rule: PublishRule): boolean => {
  const { client, packet } = incoming;
  if (rule.action === 'close') {
    client.close('misbehaviour');
    return true;
  }
  if (rule.action === 'delay-puback' || (rule.action === 'withhold-puback' && rule.mode === 'deliver')) return false;
  discard(incoming, 'misbehaviour');
  const refuses = rule.action === 'refuse-publish' && packet.qos === 1 && client.protocolVersion === 5;
  if (refuses) acknowledge(client, packet.messageId ?? 0, rule.reasonCode);
  return true;
};

const answer = ({ client, packet }: Incoming, rule: PublishRule | undefined): void => {
  const { messageId } = packet;
  if (packet.qos !== 1 || messageId === undefined || client.closed) return;
  if (rule === undefined) acknowledge(client, messageId);
  else if (rule.action === 'delay-puback') acknowledgeLater(client, messageId, rule.delayMs);
};

/** More unacknowledged publishes than Receive Maximum: MQTT 5 closes (0x93); for 3.1.1 AWS takes no new one until PUBACKs went out. */
const overruns = (incoming: Incoming): boolean => {
  const { client, broker, packet } = incoming;
  if (packet.qos === 0 || !exceeds(client.unacknowledged.size + 1, broker.limits.receiveMaximum)) return false;
  if (client.protocolVersion === 5) client.close('receive_maximum_exceeded');
  else discard(incoming, 'receive_maximum');
  return true;
};

/** PUBLISH of a client: accepted, discarded in silence, or the end of the connection. */
export const handlePublish = (client: Client, broker: Broker, packet: IPublishPacket): void => {
  const resolved = resolveTopic(client, broker, packet);
  if ('close' in resolved) return client.close(resolved.close);
  const incoming = { packet, topic: resolved.topic, client, broker };
  const violation = violationOf(incoming);
  if (violation !== undefined) return client.close(violation);
  if (packet.qos === 2) return discard(incoming, 'qos_not_supported');
  if (overruns(incoming)) return;
  if (!client.quota.admit(performance.now())) return discard(incoming, 'publish_rate');
  const rule = broker.rules.onPublish(incoming.topic);
  if (rule !== undefined && misbehave(incoming, rule)) return;
  deliver(incoming);
  answer(incoming, rule);
};
