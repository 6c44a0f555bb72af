import type { BrokerMessage, Delivery } from './message.js';
import type { MessageSource, Session, SessionDeps } from './session.js';
import { compileFilter, type TopicMatcher } from './topic-match.js';

export interface SharedGroupDeps extends SessionDeps {
  readonly random: () => number;
}

/**
 * The members of one `$share/<name>/<filter>`. Each message goes to one member that is online, by chance. While none is, QoS 1
 * messages wait if a member has a persistent session; when the store is full the new message is dropped (AWS quota of shared groups).
 */
export class SharedGroup implements MessageSource {
  readonly matches: TopicMatcher;
  readonly #members = new Map<Session, 0 | 1>();
  #pending: BrokerMessage[] = [];

  constructor(
    filter: string,
    private readonly deps: SharedGroupDeps,
  ) {
    this.matches = compileFilter(filter);
  }

  get empty(): boolean {
    return this.#members.size === 0;
  }

  get waiting(): boolean {
    return this.#pending.length > 0;
  }

  join(session: Session, qos: 0 | 1): void {
    this.#members.set(session, qos);
  }

  leave(session: Session): void {
    this.#members.delete(session);
    if (this.empty) this.#pending = [];
  }

  dispatch(message: BrokerMessage): void {
    const online = [...this.#members.keys()].filter((session) => session.online);
    const chosen = online[Math.floor(this.deps.random() * online.length)];
    if (chosen !== undefined) chosen.offer(this.#deliveryTo(chosen, message));
    else if (message.qos === 1 && [...this.#members.keys()].some((session) => session.persistent)) this.#keep(message);
  }

  take(session: Session): Delivery | undefined {
    const message = this.#pending.shift();
    return message === undefined ? undefined : this.#deliveryTo(session, message);
  }

  #deliveryTo(session: Session, message: BrokerMessage): Delivery {
    return { message, qos: message.qos === 1 && this.#members.get(session) === 1 ? 1 : 0, retain: false, group: this };
  }

  #keep(message: BrokerMessage): void {
    const { limits, books } = this.deps;
    if (limits.maxStoredMessages === 0 || this.#pending.length < limits.maxStoredMessages) this.#pending.push(message);
    else books.storeFull();
  }
}
