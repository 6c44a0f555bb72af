import { Counter, Histogram, type Registry } from 'prom-client';
import { reasons, type Reason } from '../errors.js';

export interface IngressMetrics {
  /** Messages whose fate is decided; refused documents count as one message. */
  received(networkServer: string, count: number): void;
  rejected(networkServer: string, reason: Reason, count: number): void;
  /** Seconds from the request to its 2xx. */
  answered(networkServer: string, seconds: number): void;
}

/** Reasons that end a webhook. */
export const refusalReasons = (Object.keys(reasons) as Reason[]).filter((reason) => 'httpStatus' in reasons[reason] && reason !== 'unknown_route');

const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What the webhooks ask and get. Every series starts at zero. */
export const createIngressMetrics = (registry: Registry, networkServers: readonly string[]): IngressMetrics => {
  const received = new Counter({ name: 'lpwan_bridge_messages_received_total', help: 'Messages that webhooks brought: the sum of accepted, duplicate, filtered and rejected.', labelNames: ['network_server'], registers: [registry] });
  const rejected = new Counter({ name: 'lpwan_bridge_messages_rejected_total', help: 'Messages that were refused, by reason; the webhook got an error status.', labelNames: ['network_server', 'reason'], registers: [registry] });
  const latency = new Histogram({ name: 'lpwan_bridge_accept_seconds', help: 'Time from the webhook request to its 2xx, which is when its messages are durable.', labelNames: ['network_server'], buckets: latencyBuckets, registers: [registry] });
  for (const id of networkServers) {
    received.inc({ network_server: id }, 0);
    latency.zero({ network_server: id });
    for (const reason of refusalReasons) rejected.inc({ network_server: id, reason }, 0);
  }
  return {
    received: (id, count) => received.inc({ network_server: id }, count),
    rejected: (id, reason, count) => rejected.inc({ network_server: id, reason }, count),
    answered: (id, seconds) => latency.observe({ network_server: id }, seconds),
  };
};
