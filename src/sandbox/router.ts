import type { BrokerMessage } from './message.js';
import type { Session, Subscription } from './session.js';
import { SharedGroup, type SharedGroupDeps } from './shared-group.js';
import { compileFilter } from './topic-match.js';
import { isBasicIngest, type ParsedFilter } from './topic-rules.js';

/** A filter of a SUBSCRIBE that was found to be allowed. */
export interface WantedSubscription extends ParsedFilter {
  /** As the client wrote it. */
  readonly written: string;
  readonly qos: 0 | 1;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
}

/** Who gets which message. */
export interface Router {
  /** Adds the subscription, or replaces the one with the same filter. */
  subscribe(session: Session, wanted: WantedSubscription): void;
  unsubscribe(session: Session, written: string): void;
  /** Removes all subscriptions of a session that ended. */
  forget(session: Session): void;
  /** Gives a message to its subscribers and keeps it when it is to be retained. */
  route(message: BrokerMessage): void;
  /** The retained message of a topic. */
  retained(topic: string): BrokerMessage | undefined;
}

/** One copy for each client, with the best of its matching subscriptions: overlapping filters do not multiply a message. */
const bestSubscription = (session: Session, message: BrokerMessage): Subscription | undefined => {
  let best: Subscription | undefined;
  for (const subscription of session.subscriptions.values()) {
    if (subscription.group !== undefined || !subscription.matches(message.topic)) continue;
    if (subscription.noLocal && message.publisher === session.clientId) continue;
    if (best === undefined || subscription.qos > best.qos) best = subscription;
  }
  return best;
};

const offerTo = (session: Session, message: BrokerMessage): void => {
  const subscription = bestSubscription(session, message);
  if (subscription === undefined) return;
  const qos = message.qos === 1 && subscription.qos === 1 ? 1 : 0;
  session.offer({ message, qos, retain: message.retain && subscription.retainAsPublished });
};

export const createRouter = (deps: SharedGroupDeps): Router => {
  const subscribers = new Set<Session>();
  const groups = new Map<string, SharedGroup>();
  const retainedMessages = new Map<string, BrokerMessage>();

  const leaveGroup = (session: Session, written: string): void => {
    const group = groups.get(written);
    group?.leave(session);
    if (group?.empty === true) groups.delete(written);
  };

  const joinGroup = (session: Session, { written, filter, qos }: WantedSubscription): SharedGroup => {
    const group = groups.get(written) ?? new SharedGroup(filter, deps);
    groups.set(written, group);
    group.join(session, qos);
    return group;
  };

  /** No retained messages on `$` topics (AWS: retained messages). */
  const retain = (message: BrokerMessage): void => {
    if (message.topic.startsWith('$')) return;
    const { maxRetainedMessages } = deps.limits;
    if (message.payload.length === 0) retainedMessages.delete(message.topic);
    else if (maxRetainedMessages === 0 || retainedMessages.has(message.topic) || retainedMessages.size < maxRetainedMessages) {
      retainedMessages.set(message.topic, message);
    }
  };

  const unsubscribe = (session: Session, written: string): void => {
    leaveGroup(session, written);
    session.subscriptions.delete(written);
    if (session.subscriptions.size === 0) subscribers.delete(session);
  };

  return {
    subscribe: (session, wanted) => {
      const { written, filter, shareName, qos, noLocal, retainAsPublished } = wanted;
      const group = shareName === undefined ? {} : { group: joinGroup(session, wanted) };
      session.subscriptions.set(written, { filter: written, matches: compileFilter(filter), qos, noLocal, retainAsPublished, ...group });
      subscribers.add(session);
    },
    unsubscribe,
    forget: (session) => {
      for (const written of [...session.subscriptions.keys()]) unsubscribe(session, written);
    },
    route: (message) => {
      if (isBasicIngest(message.topic)) return;
      if (message.retain) retain(message);
      for (const session of subscribers) offerTo(session, message);
      for (const group of groups.values()) if (group.matches(message.topic)) group.dispatch(message);
    },
    retained: (topic) => {
      const message = retainedMessages.get(topic);
      return (message?.expiresAt ?? Infinity) > Date.now() ? message : undefined;
    },
  };
};
