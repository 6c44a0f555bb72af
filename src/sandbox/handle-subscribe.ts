import type { ISubscribePacket, ISubscription, IUnsubscribePacket } from 'mqtt-packet';
import type { Broker } from './broker.js';
import type { Client } from './client.js';
import { exceeds } from './limits.js';
import { reasonCode } from './reason-code.js';
import type { WantedSubscription } from './router.js';
import type { Session } from './session.js';
import { isExact } from './topic-match.js';
import { parseFilter, type ParsedFilter } from './topic-rules.js';

/** 3.1.1 knows one code for all failures (MQTT 3.1.1, 3.9.3). */
const failure = (client: Client, code: number): number => (client.protocolVersion === 5 ? code : reasonCode.unspecified);

/** AWS does not say which form a shared subscription needs in a policy, so either will do, unless one is denied. */
const maySubscribe = (client: Client, { topic }: ISubscription, parsed: ParsedFilter): boolean => {
  const decisions = [...new Set([topic, parsed.filter])].map((filter) => client.decide('iot:Subscribe', `topicfilter/${filter}`));
  return decisions.includes('allow') && !decisions.includes('deny');
};

interface Outcome {
  readonly code: number;
  readonly wanted?: WantedSubscription;
  readonly sendRetained?: boolean;
}

/** Retain Handling (MQTT 5.0, 3.8.3.1): 0 always, 1 only for a new subscription, 2 never. */
const wantsRetained = (subscription: ISubscription, isNew: boolean): boolean =>
  subscription.rh === undefined || subscription.rh === 0 || (subscription.rh === 1 && isNew);

const judge = (client: Client, broker: Broker, session: Session, subscription: ISubscription): Outcome => {
  const parsed = parseFilter(subscription.topic, broker.limits);
  if (parsed === undefined) return { code: failure(client, reasonCode.topicFilterInvalid) };
  if (!maySubscribe(client, subscription, parsed)) return { code: failure(client, reasonCode.notAuthorized) };
  const isNew = !session.subscriptions.has(subscription.topic);
  if (isNew && exceeds(session.subscriptions.size + 1, broker.limits.maxSubscriptions)) return { code: failure(client, reasonCode.quotaExceeded) };
  const qos = subscription.qos === 0 ? 0 : 1;
  return {
    code: qos,
    wanted: { ...parsed, written: subscription.topic, qos, noLocal: subscription.nl === true, retainAsPublished: subscription.rap === true },
    sendRetained: parsed.shareName === undefined && isExact(parsed.filter) && wantsRetained(subscription, isNew),
  };
};

const subscribe = (client: Client, broker: Broker, session: Session, subscription: ISubscription): Outcome => {
  const outcome = judge(client, broker, session, subscription);
  if (outcome.wanted !== undefined) broker.router.subscribe(session, outcome.wanted);
  return outcome;
};

/** AWS gives the retained message only to an exact filter, never to a wildcard or a shared one. */
const offerRetained = (broker: Broker, session: Session, { wanted, sendRetained }: Outcome): void => {
  if (wanted === undefined || sendRetained !== true) return;
  const message = broker.router.retained(wanted.filter);
  if (message !== undefined) session.offer({ message, qos: message.qos === 1 && wanted.qos === 1 ? 1 : 0, retain: true });
};

/** An unauthorised filter closes a 3.1.1 connection; MQTT 5 has a code for it. */
const closesUnanswered = (client: Client, broker: Broker, { subscriptions }: ISubscribePacket): boolean =>
  client.protocolVersion === 4 &&
  subscriptions.some((subscription) => {
    const parsed = parseFilter(subscription.topic, broker.limits);
    return parsed !== undefined && !maySubscribe(client, subscription, parsed);
  });

/** SUBSCRIBE: more filters than allowed refuse the whole request; else each filter is judged by itself. */
export const handleSubscribe = (client: Client, broker: Broker, session: Session, packet: ISubscribePacket): void => {
  const messageId = packet.messageId ?? 0;
  const { subscriptions } = packet;
  if (messageId < 1 || subscriptions.length === 0) return client.close('malformed_packet');
  if (packet.properties?.subscriptionIdentifier !== undefined) return client.close('subscription_ids_not_supported');
  if (subscriptions.some(({ topic, nl }) => nl === true && topic.startsWith('$share/'))) return client.close('protocol_error'); // MQTT-3.8.3-4
  if (client.protocolVersion === 4 && subscriptions.some(({ qos }) => qos === 2)) return; // AWS sends no SUBACK for QoS 2
  if (exceeds(subscriptions.length, broker.limits.maxFiltersPerSubscribe)) {
    return client.sendPacket({ cmd: 'suback', messageId, granted: subscriptions.map(() => failure(client, reasonCode.quotaExceeded)) });
  }
  if (closesUnanswered(client, broker, packet)) return client.close('not_authorized');
  const outcomes = subscriptions.map((subscription) => subscribe(client, broker, session, subscription));
  client.sendPacket({ cmd: 'suback', messageId, granted: outcomes.map(({ code }) => code) });
  for (const outcome of outcomes) offerRetained(broker, session, outcome);
  session.pump();
};

/** UNSUBSCRIBE: always a success, as AWS documents no other code for an unknown filter. */
export const handleUnsubscribe = (client: Client, broker: Broker, session: Session, packet: IUnsubscribePacket): void => {
  const messageId = packet.messageId ?? 0;
  if (messageId < 1 || packet.unsubscriptions.length === 0) return client.close('malformed_packet');
  for (const filter of packet.unsubscriptions) broker.router.unsubscribe(session, filter);
  client.sendPacket({ cmd: 'unsuback', messageId, granted: packet.unsubscriptions.map(() => reasonCode.success) });
};
