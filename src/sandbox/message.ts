import { generate, type IPublishPacket } from 'mqtt-packet';

/** The MQTT 5 properties that travel with a message to its subscribers. */
export type MessageProperties = Pick<
  NonNullable<IPublishPacket['properties']>,
  'payloadFormatIndicator' | 'responseTopic' | 'correlationData' | 'userProperties' | 'contentType'
>;

/** A message inside the broker. */
export interface BrokerMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** Who published it; empty for the broker itself. */
  readonly publisher: string;
  readonly properties?: MessageProperties;
  /** Epoch ms of the end of its life (MQTT 5 Message Expiry Interval). */
  readonly expiresAt?: number;
}

/** A message on its way to one subscriber. */
export interface Delivery {
  readonly message: BrokerMessage;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** The shared subscription group that it came through, and goes back to when the session ends. */
  readonly group?: { dispatch(message: BrokerMessage): void };
}

const maxExpirySeconds = 604_800;

/** The life of a message is 1 second to 7 days (AWS quota of Message Expiry). */
const expiryOf = (seconds: number | undefined, now: number): Pick<BrokerMessage, 'expiresAt'> =>
  seconds === undefined ? {} : { expiresAt: now + Math.min(Math.max(seconds, 1), maxExpirySeconds) * 1000 };

/** Properties that are a pair of one sender and one receiver (alias, subscription identifier) do not travel. */
const travelling = (properties: IPublishPacket['properties']): Pick<BrokerMessage, 'properties'> => {
  if (properties === undefined) return {};
  const { topicAlias: _alias, subscriptionIdentifier: _identifier, messageExpiryInterval: _expiry, ...rest } = properties;
  return Object.keys(rest).length === 0 ? {} : { properties: rest };
};

interface Received {
  readonly topic: string;
  readonly payload: Buffer | string;
  readonly qos?: number;
  readonly retain?: boolean;
  readonly properties?: IPublishPacket['properties'];
}

/** The message of a PUBLISH or a will. `now` is epoch ms. */
export const toMessage = (received: Received, publisher: string, now: number): BrokerMessage => ({
  topic: received.topic,
  payload: Buffer.from(received.payload as Buffer),
  qos: received.qos === 1 ? 1 : 0,
  retain: received.retain === true,
  publisher,
  ...travelling(received.properties),
  ...expiryOf(received.properties?.messageExpiryInterval, now),
});

const propertiesFor = ({ properties, expiresAt }: BrokerMessage, now: number): NonNullable<IPublishPacket['properties']> => ({
  ...properties,
  ...(expiresAt === undefined ? {} : { messageExpiryInterval: Math.max(1, Math.ceil((expiresAt - now) / 1000)) }),
});

/** The PUBLISH packet for a subscriber. AWS does not set DUP, so it never is. */
export const encodePublish = ({ message, qos, retain }: Delivery, protocolVersion: 4 | 5, messageId: number, now: number): Buffer => {
  const packet: IPublishPacket = { cmd: 'publish', topic: message.topic, payload: message.payload, qos, retain, dup: false };
  if (qos === 1) packet.messageId = messageId;
  if (protocolVersion === 5) packet.properties = propertiesFor(message, now);
  return generate(packet, { protocolVersion });
};
