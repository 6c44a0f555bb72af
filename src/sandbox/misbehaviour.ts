import { z } from 'zod';
import { BridgeError } from '../errors.js';
import { compileFilter } from './topic-match.js';

const scope = {
  /** Topic filter (`+` and `#` as in MQTT); absent: every topic. */
  filter: z.string().min(1).optional(),
  /** Share of the publishes that are hit, 0 to 1. */
  share: z.number().min(0).max(1).default(1),
  /** How often the rule strikes; absent: without end. */
  times: z.int().min(1).optional(),
};

const errorCode = z.int().min(0x80).max(0xff);

const ruleSchema = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('withhold-puback'), mode: z.enum(['discard', 'deliver']).default('discard'), ...scope }),
  z.strictObject({ action: z.literal('delay-puback'), delayMs: z.int().min(1).max(3_600_000), ...scope }),
  z.strictObject({ action: z.literal('close'), ...scope }),
  z.strictObject({ action: z.literal('refuse-publish'), reasonCode: errorCode.default(0x97), ...scope }),
  z.strictObject({ action: z.literal('refuse-connect'), reasonCode: errorCode.default(0x80), share: scope.share, times: scope.times }),
]);

/**
 * One rule of misbehaviour. All rules may have `share` (0 to 1, default 1) and `times` (a number of strikes; default: without
 * end); those about publishes also `filter`, a topic filter.
 *
 * - `{ action: 'withhold-puback', mode: 'discard' }`: the publish is neither delivered nor acknowledged, as AWS throttles.
 * - `{ action: 'withhold-puback', mode: 'deliver' }`: it is delivered, but its PUBACK is lost.
 * - `{ action: 'delay-puback', delayMs }`: it is delivered at once and acknowledged later.
 * - `{ action: 'close' }`: the connection is closed on it; nothing is delivered and no DISCONNECT is sent.
 * - `{ action: 'refuse-publish', reasonCode }`: MQTT 5: PUBACK with this code (default 0x97), not delivered; 3.1.1 has no such answer, so the publish is discarded.
 * - `{ action: 'refuse-connect', reasonCode }`: MQTT 5: CONNACK with this code (default 0x80); 3.1.1: closed without CONNACK.
 */
export type Misbehaviour = z.input<typeof ruleSchema>;

type Rule = z.output<typeof ruleSchema>;
export type PublishRule = Exclude<Rule, { action: 'refuse-connect' }>;
export type ConnectRule = Extract<Rule, { action: 'refuse-connect' }>;

export interface MisbehaviourRules {
  /** Replaces all rules; an empty list ends the misbehaviour. @throws BridgeError `config_invalid` naming the field. */
  replace(rules: unknown): void;
  /** The first rule that strikes this publish. */
  onPublish(topic: string): PublishRule | undefined;
  onConnect(): ConnectRule | undefined;
}

interface Armed {
  readonly rule: Rule;
  readonly matches: (topic: string) => boolean;
  strikesLeft: number;
}

const arm = (rule: Rule): Armed => ({
  rule,
  matches: 'filter' in rule && rule.filter !== undefined ? compileFilter(rule.filter) : () => true,
  strikesLeft: rule.times ?? Infinity,
});

const readRules = (rules: unknown): Rule[] => {
  const parsed = z.array(ruleSchema).safeParse(rules);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BridgeError('config_invalid', { field: ['rules', ...(issue?.path ?? [])].join('.'), detail: issue?.message ?? 'no list of rules' });
};

/** Well-behaved until told otherwise. `random` gives numbers from 0 up to, not including, 1. */
export const createMisbehaviourRules = (random: () => number): MisbehaviourRules => {
  let armed: Armed[] = [];
  const strikes = (candidate: Armed): boolean => {
    if (candidate.strikesLeft <= 0 || random() >= candidate.rule.share) return false;
    candidate.strikesLeft -= 1;
    return true;
  };
  return {
    replace: (rules) => {
      armed = readRules(rules).map(arm);
    },
    onPublish: (topic) => {
      for (const candidate of armed) {
        const { rule } = candidate;
        if (rule.action !== 'refuse-connect' && candidate.matches(topic) && strikes(candidate)) return rule;
      }
      return undefined;
    },
    onConnect: () => {
      for (const candidate of armed) {
        const { rule } = candidate;
        if (rule.action === 'refuse-connect' && strikes(candidate)) return rule;
      }
      return undefined;
    },
  };
};
