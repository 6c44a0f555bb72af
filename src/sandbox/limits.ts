import { awsApiLimits, type ApiOperationName } from './api-limits.js';

/**
 * The limits of AWS IoT Core that a client can feel (AWS General Reference, "AWS IoT Core endpoints and quotas"): those of the message
 * broker and of things, and for each operation of the API, by its name, the calls a second. Every one can be changed, to tighten it in
 * a test or to leave it out: 0 switches a limit off.
 */
export interface SandboxLimits extends Readonly<Record<ApiOperationName, number>> {
  /** PUBLISH packets in any second on one connection, both directions together; what is over it is discarded without a PUBACK. */
  readonly publishesPerSecond: number;
  /** Bytes a second on one connection, both directions together; what is over it is delayed. */
  readonly bytesPerSecond: number;
  /** Bytes of a payload; a larger one closes the connection. */
  readonly maxPayloadBytes: number;
  /** Bytes (UTF-8) of a topic or topic filter, `$aws/rules/<rule>/` and `$share/<name>/` not counted. */
  readonly maxTopicBytes: number;
  /** Slashes of a topic or topic filter, counted the same way. */
  readonly maxTopicSlashes: number;
  /** Bytes (UTF-8) of a client id. */
  readonly maxClientIdBytes: number;
  /** Filters in one SUBSCRIBE; a longer list is refused whole. */
  readonly maxFiltersPerSubscribe: number;
  /** Subscriptions of one client; those over it are refused in the SUBACK. */
  readonly maxSubscriptions: number;
  /** QoS 1 publishes of a client that may wait for their PUBACK (MQTT 5: Receive Maximum), and of the broker to a client. At most 65535. */
  readonly receiveMaximum: number;
  /** Highest topic alias a client may use (MQTT 5); 0 = no aliases. */
  readonly topicAliasMaximum: number;
  /** Seconds a persistent session lasts after the client left; a longer MQTT 5 session expiry is lowered to it. */
  readonly sessionExpirySeconds: number;
  /** Stored messages delivered per second after a reconnect. */
  readonly storedPerSecond: number;
  /** Messages kept for one absent client, and for one shared subscription group; newer ones are dropped. AWS names no number for a client. */
  readonly maxStoredMessages: number;
  /** Retained messages in all; newer ones are not kept. */
  readonly maxRetainedMessages: number;
  /** Seconds; a shorter keep-alive counts as this. */
  readonly minKeepAliveSeconds: number;
  /** Seconds; a longer keep-alive, and none, counts as this. */
  readonly maxKeepAliveSeconds: number;
  /** CONNECTs of one client id in any second; off by default, because AWS does not say what a throttled CONNECT is answered. */
  readonly connectsPerSecond: number;
  /** Attributes of a thing that has a thing type. */
  readonly maxThingAttributes: number;
  /** Attributes of a thing without a thing type. */
  readonly maxUntypedThingAttributes: number;
  /** Thing groups that one thing is in. */
  readonly maxGroupsPerThing: number;
  /** Policies attached to one certificate. */
  readonly maxPoliciesPerTarget: number;
  /** Versions kept of one policy. */
  readonly maxPolicyVersions: number;
}

export const awsLimits: SandboxLimits = {
  publishesPerSecond: 100,
  bytesPerSecond: 512 * 1024,
  maxPayloadBytes: 128 * 1024,
  maxTopicBytes: 256,
  maxTopicSlashes: 7,
  maxClientIdBytes: 128,
  maxFiltersPerSubscribe: 8,
  maxSubscriptions: 50,
  receiveMaximum: 100,
  topicAliasMaximum: 8,
  sessionExpirySeconds: 3600,
  storedPerSecond: 10,
  maxStoredMessages: 100_000,
  maxRetainedMessages: 100_000,
  minKeepAliveSeconds: 30,
  maxKeepAliveSeconds: 1200,
  connectsPerSecond: 0,
  maxThingAttributes: 50,
  maxUntypedThingAttributes: 3,
  maxGroupsPerThing: 10,
  maxPoliciesPerTarget: 10,
  maxPolicyVersions: 5,
  ...awsApiLimits,
};

/** True when `value` is over `limit` and the limit is on. */
export const exceeds = (value: number, limit: number): boolean => limit > 0 && value > limit;

/** The keep-alive in seconds that the broker goes by (MQTT 5: Server Keep Alive); 0 = none. */
export const effectiveKeepAlive = (asked: number, limits: SandboxLimits): number => {
  const longest = limits.maxKeepAliveSeconds;
  if (asked === 0 || exceeds(asked, longest)) return longest;
  return Math.max(asked, limits.minKeepAliveSeconds);
};
