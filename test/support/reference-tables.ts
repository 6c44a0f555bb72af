/** The tables of README.md that are made from the code: failure reasons and metrics. */
import { Registry } from 'prom-client';
import { createAwsMetrics } from '../../src/aws/metrics.js';
import { createSubscriberMetrics } from '../../src/aws/subscriber-metrics.js';
import { createDownlinkMetrics } from '../../src/downlink/metrics.js';
import { reasons, type ReasonRow } from '../../src/errors.js';
import { createIngressMetrics } from '../../src/ingress/metrics.js';
import { createUplinkMetrics } from '../../src/uplink/metrics.js';

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');

const retryWords: Readonly<Record<ReasonRow['retry'], string>> = { later: 'may succeed later', never: 'never' };

export const errorsTable = (): string =>
  table(
    ['Reason', 'HTTP status', 'Retry', 'What it means'],
    Object.entries<ReasonRow>(reasons).map(([reason, { httpStatus, retry, title, description }]) => [`\`${reason}\``, httpStatus === undefined ? '–' : String(httpStatus), retryWords[retry], `${title}. ${description}`]),
  );

/** Every metric once, with one network server and one connection, so that each shows its labels. */
const filledRegistry = (): Registry => {
  const registry = new Registry();
  const [networkServers, connections] = [['factory'], ['main']];
  createIngressMetrics(registry, networkServers);
  createUplinkMetrics({ registry, networkServers, connections, outbox: { pending: () => ({ messages: 0, bytes: 0 }), oldestAcceptedAt: () => undefined } });
  createAwsMetrics({ registry, connections, read: () => ({ sessions: 0, inFlight: 0, certificateDays: 0, held: false }) });
  createSubscriberMetrics({ registry, connections, read: () => ({ opened: true }) });
  createDownlinkMetrics({ registry, connections, networkServers, totals: () => Promise.resolve({ waiting: 0 }), headroom: () => Promise.resolve(100) });
  return registry;
};

/** `le` belongs to the buckets of a histogram, not to the metric. */
const labelsOf = (values: readonly { readonly labels: object }[]): string =>
  [...new Set(values.flatMap(({ labels }) => Object.keys(labels)))]
    .filter((label) => label !== 'le')
    .map((label) => `\`${label}\``)
    .join(', ');

export const metricsTable = async (): Promise<string> => {
  const metrics = await filledRegistry().getMetricsAsJSON();
  return table(
    ['Metric', 'Type', 'Labels', 'What it is'],
    metrics.map(({ name, type, help, values }) => [`\`${name}\``, String(type), labelsOf(values) || '–', help]),
  );
};
