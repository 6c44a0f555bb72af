import type { Reason } from '../errors.js';
import type { Message, MessageType } from '../messages/message.js';
import type { TopicPattern } from '../topics/topic-pattern.js';
import { matches, type Matcher } from './matcher.js';
import type { PayloadFormat } from './shape.js';

/** One connection that messages go to, and how it wants them. */
export interface Target {
  readonly connectionId: string;
  readonly format: PayloadFormat;
  readonly patterns: Readonly<Record<MessageType, TopicPattern>>;
  /** How long a message may wait for AWS, ms; 0 = for ever. */
  readonly validityMs: number;
  /** Nothing but uplinks: ThingPark X's `sendMetadata` and `sendRawDecodedFormat`. */
  readonly uplinksOnly: boolean;
}

/** Where a message goes; with no target at all, why. */
export type Matched = { readonly targets: readonly Target[]; readonly filtered?: undefined } | { readonly targets: readonly []; readonly filtered: Reason };

export type Match = (message: Message) => Matched;

/** A flow: which messages of which network servers go to which connections. */
export interface Flow {
  /** Absent: those of every network server. */
  readonly networkServers?: readonly string[];
  /** Any of them suffices; empty: every message. */
  readonly matchers: readonly Matcher[];
  readonly connections: readonly string[];
  /** In place of the connections' own; ms, 0 = for ever. */
  readonly validityMs?: number;
}

const wants = ({ networkServers, matchers }: Flow, message: Message): boolean => {
  const { networkServer } = message;
  if (networkServers !== undefined && (networkServer === undefined || !networkServers.includes(networkServer.id))) return false;
  return matchers.length === 0 || matchers.some((matcher) => matches(message, matcher));
};

const withValidity = (target: Target, { validityMs }: Flow): Target => (validityMs === undefined ? target : { ...target, validityMs });

/** The targets of each flow, made once, so that matching makes nothing; a connection that is listed twice is one. */
const targetsOf = (flow: Flow, targets: ReadonlyMap<string, Target>): readonly Target[] =>
  [...new Set(flow.connections)].flatMap((id) => {
    const target = targets.get(id);
    return target === undefined ? [] : [withValidity(target, flow)];
  });

/** A connection that several flows name gets the message once, by the first of them. */
const union = (lists: readonly (readonly Target[])[]): readonly Target[] => {
  const [first = []] = lists;
  if (lists.length < 2) return first;
  const found = new Map<string, Target>();
  for (const target of lists.flat()) if (!found.has(target.connectionId)) found.set(target.connectionId, target);
  return [...found.values()];
};

const take = (targets: readonly Target[], { type }: Message): Matched => {
  if (type === 'uplink' || !targets.some(({ uplinksOnly }) => uplinksOnly)) return { targets };
  const rest = targets.filter(({ uplinksOnly }) => !uplinksOnly);
  return rest.length === 0 ? { targets: [], filtered: 'type_not_wanted' } : { targets: rest };
};

/**
 * Which connections a message goes to. Without a flow everything goes to the only connection; with two or more connections, or with
 * any flow, only what a flow names goes anywhere, so that no customer's data reaches another.
 */
export const createMatch = (targets: ReadonlyMap<string, Target>, flows: readonly Flow[]): Match => {
  const [only] = targets.values();
  if (only === undefined) return () => ({ targets: [], filtered: 'no_connection' });
  if (flows.length === 0) return targets.size === 1 ? (message) => take([only], message) : () => ({ targets: [], filtered: 'no_flow' });
  const rules = flows.map((flow) => ({ flow, targets: targetsOf(flow, targets) }));
  return (message) => {
    const found = union(rules.flatMap((rule) => (rule.targets.length > 0 && wants(rule.flow, message) ? [rule.targets] : [])));
    return found.length === 0 ? { targets: [], filtered: 'no_flow' } : take(found, message);
  };
};
