import { z } from 'zod';
import { BridgeError } from '../../errors.js';
import { apiOperationNames, type ApiOperationName } from '../api-limits.js';

const scope = {
  /** Absent: every operation. */
  operations: z.array(z.enum(apiOperationNames)).min(1).optional(),
  /** Share of the calls that are hit, 0 to 1. */
  share: z.number().min(0).max(1).default(1),
  /** How often the rule strikes; absent: without end. */
  times: z.int().min(1).optional(),
};

const ruleSchema = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('throttle'), ...scope }),
  z.strictObject({ action: z.literal('fail'), status: z.union([z.literal(500), z.literal(503)]).default(503), ...scope }),
  z.strictObject({ action: z.literal('delay'), delayMs: z.int().min(1).max(3_600_000), ...scope }),
  z.strictObject({ action: z.literal('hang'), ...scope }),
]);

/**
 * One rule of misbehaviour of the API. All rules may have `operations` (a list of names; default: all), `share` (0 to 1, default 1) and
 * `times` (a number of strikes; default: without end).
 *
 * - `{ action: 'throttle' }`: ThrottlingException, and nothing is done.
 * - `{ action: 'fail', status: 503 }`: ServiceUnavailableException, or with 500 InternalFailureException, and nothing is done.
 * - `{ action: 'delay', delayMs }`: the call is served later.
 * - `{ action: 'hang' }`: the call is neither served nor answered; its connection stays open.
 */
export type ApiMisbehaviour = z.input<typeof ruleSchema>;

export type ApiRule = z.output<typeof ruleSchema>;

export interface ApiRules {
  /** Replaces all rules; an empty list ends the misbehaviour. @throws BridgeError `config_invalid` naming the field */
  replace(rules: unknown): void;
  /** The first rule that strikes this call. */
  onCall(operation: ApiOperationName): ApiRule | undefined;
}

const readRules = (rules: unknown): ApiRule[] => {
  const parsed = z.array(ruleSchema).safeParse(rules);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BridgeError('config_invalid', { field: ['rules', ...(issue?.path ?? [])].join('.'), detail: issue?.message ?? 'no list of rules' });
};

/** Well-behaved until told otherwise. `random` gives numbers from 0 up to, not including, 1. */
export const createApiRules = (random: () => number): ApiRules => {
  let armed: { readonly rule: ApiRule; left: number }[] = [];
  return {
    replace: (rules) => {
      armed = readRules(rules).map((rule) => ({ rule, left: rule.times ?? Infinity }));
    },
    onCall: (operation) => {
      const struck = armed.find(({ rule, left }) => left > 0 && (rule.operations?.includes(operation) ?? true) && random() < rule.share);
      if (struck !== undefined) struck.left -= 1;
      return struck?.rule;
    },
  };
};
