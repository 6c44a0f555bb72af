import type { MqttClient } from 'mqtt';
import type { IUnsubackPacket } from 'mqtt-packet';
import { BridgeError, messageOf } from '../errors.js';
import type { SubscriptionMemory } from './subscription-memory.js';

export interface Subscription {
  /** The one filter to be subscribed to. */
  readonly filter: string;
  /** Filters that the client id may have been subscribed to, beside those remembered. */
  readonly others: readonly string[];
  readonly memory: SubscriptionMemory;
}

/** AWS takes eight filters in a SUBSCRIBE (AWS IoT Core quotas); no more are named in an UNSUBSCRIBE. */
const filtersPerPacket = 8;

/** Codes from 0x80 on are failures, in MQTT 3.1.1 too (MQTT 5.0, 2.4; MQTT 3.1.1, 3.9.3). */
const leastFailure = 0x80;

/** Gives the filters that the broker would not unsubscribe. @throws whatever MQTT.js throws when the connection closed */
export const unsubscribe = async (client: MqttClient, filters: readonly string[]): Promise<string[]> => {
  const left: string[] = [];
  for (let start = 0; start < filters.length; start += filtersPerPacket) {
    const batch = filters.slice(start, start + filtersPerPacket);
    const answer = (await client.unsubscribeAsync(batch)) as IUnsubackPacket | undefined;
    left.push(...batch.filter((_filter, index) => (answer?.granted?.[index] ?? 0) >= leastFailure));
  }
  return left;
};

/** MQTT.js throws for a SUBACK with an error, and for a connection that closed; only the first has a packet with it. */
const subackOf = (error: unknown): boolean => error instanceof Error && 'packet' in error && error.packet !== undefined;

const subscribe = async (client: MqttClient, filter: string): Promise<void> => {
  try {
    // Retain handling 2: a retained command would be carried out again with every reconnect (MQTT 5.0, 3.8.3.1).
    const [grant] = await client.subscribeAsync(filter, { qos: 1, rh: 2 });
    if (grant?.qos !== 1) throw new BridgeError('subscribe_refused', { detail: `QoS 1 was not granted for ${filter}` });
  } catch (error) {
    throw subackOf(error) ? new BridgeError('subscribe_refused', { detail: `${filter}: ${messageOf(error)}` }) : error;
  }
};

export interface FreshSession {
  readonly client: MqttClient;
  /** Whether the broker kept the session from before, with its subscriptions. */
  readonly present: boolean;
  /** Called when SUBSCRIBE leaves. */
  readonly asking: () => void;
}

const sameFilters = (one: readonly string[], other: readonly string[]): boolean => one.length === other.length && one.every((filter) => other.includes(filter));

/**
 * Makes the filter the only subscription of a session. The memory names the filter before SUBSCRIBE leaves, and forgets the others
 * when SUBACK is in, so it never knows less than the broker.
 * @throws BridgeError subscribe_refused for a SUBACK that does not grant QoS 1; whatever MQTT.js throws when the connection closed
 */
export const settleSubscription = async ({ client, present, asking }: FreshSession, { filter, others, memory }: Subscription): Promise<void> => {
  const remembered = await memory.read();
  // A session that is new holds no subscriptions (MQTT 5.0, 3.2.2.1.1).
  const stale = present ? [...new Set([...remembered, ...others])].filter((one) => one !== filter) : [];
  const left = await unsubscribe(client, stale);
  const named = remembered.includes(filter) ? remembered : [...remembered, filter];
  if (named !== remembered) await memory.write(named);
  asking();
  await subscribe(client, filter);
  const settled = [...left, filter];
  if (!sameFilters(settled, named)) await memory.write(settled);
};
