import type { Backoff } from '../backoff.js';
import type { MqttVersion } from './connect-client.js';
import type { Endpoint } from './endpoint.js';
import type { ReconnectStrategy } from './outage-backoff.js';
import type { Subscription } from './settle-subscription.js';

export interface SubscriberOptions {
  readonly connectionId: string;
  readonly endpoint: Endpoint;
  /** The same at every start: AWS keeps the session, and what waits in it, under this id. */
  readonly clientId: string;
  readonly version: MqttVersion;
  /** As `topicFilterOf` gives it. */
  readonly filter: string;
  /** Set: the filter is shared with the other subscribers of this name, and each message goes to one of them. */
  readonly shareName?: string;
  /** For a filter that is not shared: the name under which this client id may have shared it before, beside what `stateFile` knows. */
  readonly formerShareName?: string;
  readonly keepAliveMs: number;
  /** For DNS, TCP, TLS and CONNACK together, and again for SUBACK, ms. */
  readonly connectTimeoutMs: number;
  /** How long storing one message may take, ms. */
  readonly storeTimeoutMs?: number;
  /** Pauses between attempts grow from `minMs` to `maxMs`, or to what the strategy says. */
  readonly reconnect: Backoff;
  readonly reconnectStrategy?: ReconnectStrategy;
  /** Path of the file that remembers what the client id is subscribed to. */
  readonly stateFile: string;
}

export const sharedFilter = (shareName: string, filter: string): string => `$share/${shareName}/${filter}`;

/** The filter to be subscribed to, and the same one in its other form. */
export const filtersOf = ({ filter, shareName, formerShareName }: Pick<SubscriberOptions, 'filter' | 'shareName' | 'formerShareName'>): Pick<Subscription, 'filter' | 'others'> => {
  if (shareName !== undefined) return { filter: sharedFilter(shareName, filter), others: [filter] };
  return { filter, others: formerShareName === undefined ? [] : [sharedFilter(formerShareName, filter)] };
};
