import { Counter, type Registry } from 'prom-client';

/** Why a request was not let in. `missing`: no token, where one is needed. */
export const refusals = ['missing', 'malformed', 'unknown', 'expired', 'role_too_low'] as const;
export type Refusal = (typeof refusals)[number];

export interface ApiMetrics {
  refused(cause: Refusal): void;
}

/** Who is not let into the private API. */
export const createApiMetrics = (registry: Registry): ApiMetrics => {
  const counter = new Counter({
    name: 'lpwan_bridge_api_requests_refused_total',
    help: 'Requests to the private API that were not let in: the token was missing, malformed, unknown or expired, or its role too low.',
    labelNames: ['cause'],
    registers: [registry],
  });
  for (const cause of refusals) counter.inc({ cause }, 0);
  return { refused: (cause) => counter.inc({ cause }) };
};
