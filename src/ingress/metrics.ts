import { Counter, type Registry } from 'prom-client';
import { reasons, type Reason, type ReasonRow } from '../errors.js';
import type { MetricFamily } from '../metric-family.js';

export interface IngressMetrics {
  /** Messages whose fate is decided; refused documents count as one message. */
  received(networkServer: string, count: number): void;
  rejected(networkServer: string, reason: Reason, count: number): void;
  /** Seconds from the request to its 2xx. */
  answered(networkServer: string, seconds: number): void;
  /** A connection was closed because there were too many. */
  closedForRoom(): void;
}

const endsWebhook = (reason: Reason): boolean => {
  const row: ReasonRow = reasons[reason];
  return row.httpStatus !== undefined && row.only !== 'api' && reason !== 'unknown_route';
};

/** Reasons that end a webhook. */
export const refusalReasons = (Object.keys(reasons) as Reason[]).filter(endsWebhook);

const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What the webhooks ask and get. */
export const createIngressMetrics = (networkServers: MetricFamily, registry: Registry): IngressMetrics => {
  const closed = new Counter({
    name: 'lpwan_bridge_ingress_connections_closed_total',
    help: 'Connections to the webhooks that were closed because more than ingress.maxConnections were open.',
    registers: [registry],
  });
  const rejected = networkServers.counterBy('messages_rejected_total', 'Messages that were refused, by reason; the webhook got an error status.', { name: 'reason', values: refusalReasons });
  return {
    received: networkServers.counter('messages_received_total', 'Messages that webhooks brought: the sum of accepted, duplicate, filtered and rejected.'),
    rejected: (id, reason, count) => rejected(id, reason, count),
    answered: networkServers.histogram('accept_seconds', 'Time from the webhook request to its 2xx, which is when its messages are durable.', latencyBuckets),
    closedForRoom: () => closed.inc(),
  };
};
