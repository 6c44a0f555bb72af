import type { Registry } from 'prom-client';
import type { Test } from 'tap';
import { collectDownlinks, type CollectDeps, type CollectOptions } from '../../../src/aws/collect-downlinks.js';
import { until } from '../../support/until.js';
import { recordSession, sessionOptions } from './downlink-session.js';

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

type Wanted = Partial<CollectOptions> & Pick<CollectOptions, 'endpoint'>;

/** Collects what waits for `down/+` under the client id of `startSubscriber`, aborted with the test. `store` may fail. */
export const startCollector = (t: Test, options: Wanted, { store = async () => undefined, ...deps }: Partial<CollectDeps> & { readonly store?: (text: string) => Promise<void> } = {}): TestCollector => {
  const { logger, log, registry, metrics } = recordSession();
  const stored: string[] = [];
  const abort = new AbortController();
  const receive: CollectDeps['receive'] = async ({ payload }) => {
    await store(payload.toString());
    stored.push(payload.toString());
  };
  const done = collectDownlinks({ ...sessionOptions, ...options }, { receive, logger, metrics, quietMs: 150, ...deps }, abort.signal);
  done.catch(() => undefined);
  t.teardown(() => abort.abort(new Error('the test is over')));
  return { done, stored, log, registry, has: (count) => until(`${count} collected`, () => stored.length >= count), abort: (reason) => abort.abort(reason) };
};
