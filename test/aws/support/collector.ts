import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { Test } from 'tap';
import { collectDownlinks, type CollectDeps } from '../../../src/aws/collect-downlinks.js';
import { createSubscriberMetrics } from '../../../src/aws/subscriber-metrics.js';
import type { SubscriberOptions } from '../../../src/aws/subscriber.js';
import { createMetricFamily } from '../../../src/metric-family.js';
import { until } from '../../support/until.js';

/** A collector at work, and what it stored. */
export interface TestCollector {
  /** Settles as `collectDownlinks`. */
  readonly done: Promise<void>;
  readonly stored: string[];
  readonly log: Record<string, unknown>[];
  readonly registry: Registry;
  has(count: number): Promise<void>;
  abort(reason: Error): void;
}

type Wanted = Partial<SubscriberOptions> & Pick<SubscriberOptions, 'endpoint'>;

/** Collects what waits for `down/+` under the client id of `startSubscriber`, aborted with the test. `store` may fail. */
export const startCollector = (t: Test, options: Wanted, { store = async () => undefined, ...deps }: Partial<CollectDeps> & { readonly store?: (text: string) => Promise<void> } = {}): TestCollector => {
  const log: Record<string, unknown>[] = [];
  const logger = pino({ level: 'debug', base: null }, { write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) });
  const registry = new Registry();
  const metrics = createSubscriberMetrics({ connections: createMetricFamily(registry, 'connection', ['c1']), opened: () => false });
  const stored: string[] = [];
  const abort = new AbortController();
  const all: SubscriberOptions = {
    connectionId: 'c1',
    clientId: 'bridge-0-c1-downlinks',
    version: 5,
    filter: 'down/+',
    keepAliveMs: 60_000,
    connectTimeoutMs: 5_000,
    reconnect: { minMs: 10, maxMs: 40 },
    stateFile: join(t.testdirName, 'collector.json'),
    ...options,
  };
  const receive: CollectDeps['receive'] = async ({ payload }) => {
    await store(payload.toString());
    stored.push(payload.toString());
  };
  const done = collectDownlinks(all, { receive, logger, metrics, quietMs: 150, ...deps }, abort.signal);
  done.catch(() => undefined);
  t.teardown(() => abort.abort(new Error('the test is over')));
  return { done, stored, log, registry, has: (count) => until(`${count} collected`, () => stored.length >= count), abort: (reason) => abort.abort(reason) };
};
