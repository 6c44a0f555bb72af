/** The tables of README.md that are made from the code: failure reasons and metrics. */
import { Registry } from 'prom-client';
import { createApiMetrics } from '../../src/api/metrics.js';
import { createMetrics } from '../../src/app/metrics.js';
import { reasons, type ReasonRow } from '../../src/errors.js';

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');

const retryWords: Readonly<Record<ReasonRow['retry'], string>> = { later: 'may succeed later', never: 'never' };

export const errorsTable = (): string =>
  table(
    ['Reason', 'HTTP status', 'Retry', 'What it means'],
    Object.entries<ReasonRow>(reasons).map(([reason, { httpStatus, retry, title, description, only }]) => [`\`${reason}\``, httpStatus === undefined ? '–' : `${httpStatus}${only === undefined ? '' : ' (API)'}`, retryWords[retry], `${title}. ${description}`]),
  );

/** Every metric once, with one network server and one connection, so that each shows its labels. */
const filledRegistry = (): Registry => {
  const registry = new Registry();
  const { connections, networkServers } = createMetrics({
    registry,
    outbox: { pending: () => ({ messages: 0, bytes: 0 }), oldestAcceptedAt: () => undefined },
    queue: { totals: () => Promise.resolve({ waiting: 0 }), headroom: () => Promise.resolve(100) },
    line: () => undefined,
    note: () => undefined,
  });
  createApiMetrics(registry);
  connections.add('main');
  networkServers.add('factory');
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
