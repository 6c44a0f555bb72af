import { Registry } from 'prom-client';
import { createSubscriberMetrics, type SubscriberMetrics } from '../../../src/aws/subscriber-metrics.js';
import type { SubscriberOptions } from '../../../src/aws/subscriber.js';
import { createMetricFamily } from '../../../src/metric-family.js';
import { recordLog, type RecordedLog } from '../../support/record-log.js';

/** Options of whoever takes the downlinks of a test. */
export const sessionOptions = {
  connectionId: 'c1',
  clientId: 'bridge-0-c1-downlinks',
  version: 5,
  filter: 'down/+',
  keepAliveMs: 60_000,
  connectTimeoutMs: 5_000,
  reconnect: { minMs: 10, maxMs: 40 },
} as const satisfies Partial<SubscriberOptions>;

/** What its session is told to. @param opened Whether it is open now. */
export const recordSession = (opened: () => boolean = () => false): RecordedLog & { readonly registry: Registry; readonly metrics: SubscriberMetrics } => {
  const registry = new Registry();
  return { ...recordLog(), registry, metrics: createSubscriberMetrics({ connections: createMetricFamily(registry, 'connection', ['c1']), opened }) };
};
