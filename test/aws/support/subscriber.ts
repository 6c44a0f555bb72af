import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Registry } from 'prom-client';
import type { Test } from 'tap';
import type { Endpoint } from '../../../src/aws/connect-client.js';
import type { ConnectionState } from '../../../src/aws/connection-state.js';
import { createSubscriber, type Subscriber, type SubscriberDeps, type SubscriberOptions } from '../../../src/aws/subscriber.js';
import type { IncomingDownlink } from '../../../src/downlink/ports.js';
import type { Reason } from '../../../src/errors.js';
import { deadlineIn } from '../../../src/lifecycle.js';
import { until } from '../../support/until.js';
import { recordSession, sessionOptions } from './downlink-session.js';

interface BrokerFiles {
  readonly caCertificate: string;
  readonly certificate: string;
  readonly privateKey: string;
}

export const endpointOf = (port: number, files: BrokerFiles): Endpoint => ({
  host: 'localhost',
  port,
  ca: [readFileSync(files.caCertificate, 'utf8')],
  auth: { kind: 'certificate', certificate: readFileSync(files.certificate, 'utf8'), privateKey: readFileSync(files.privateKey, 'utf8') },
});

type Store = (incoming: IncomingDownlink, text: string) => Promise<void>;

/** A subscriber under test, the downlinks it was given and those that were stored, in order. */
export interface TestSubscriber {
  readonly subscriber: Subscriber;
  readonly options: SubscriberOptions;
  /** `topic payload`, also of those that were not stored. */
  readonly received: string[];
  /** Payloads. */
  readonly stored: string[];
  readonly log: Record<string, unknown>[];
  readonly registry: Registry;
  readonly stateFile: string;
  /** What storing does from now on; by default it works. */
  store: Store;
  /** Resolves when the subscription is in this state, and for this reason where one is given. */
  is(state: ConnectionState, reason?: Reason): Promise<void>;
  has(stored: number): Promise<void>;
  stop(): Promise<void>;
}

type Wanted = Partial<SubscriberOptions> & Pick<SubscriberOptions, 'endpoint'>;

/** Starts a subscriber to `down/+` that is stopped with the test. The same `stateFile` and `clientId` make it the same one after a restart. */
export const startSubscriber = (t: Test, options: Wanted, deps: Partial<SubscriberDeps> = {}): TestSubscriber => {
  const { logger, log, registry, metrics } = recordSession(() => subscriber.status().state === 'opened');
  const all: SubscriberOptions = { ...sessionOptions, stateFile: join(t.testdirName, 'state.json'), ...options };
  const test: TestSubscriber = {
    received: [],
    stored: [],
    log,
    registry,
    stateFile: all.stateFile,
    options: all,
    store: async () => undefined,
    get subscriber() {
      return subscriber;
    },
    is: (state, reason) => until(`${state} ${reason ?? ''}`, () => subscriber.status().state === state && (reason === undefined || subscriber.status().reason === reason)),
    has: (count) => until(`${count} stored`, () => test.stored.length >= count),
    stop: () => subscriber.stop(deadlineIn(5_000)),
  };
  const receive = async (incoming: IncomingDownlink): Promise<void> => {
    const text = incoming.payload.toString();
    test.received.push(`${incoming.topic} ${text}`);
    await test.store(incoming, text);
    test.stored.push(text);
  };
  const subscriber = createSubscriber(all, { receive, logger, metrics, ...deps });
  subscriber.start();
  t.teardown(() => subscriber.stop(deadlineIn(100)));
  return test;
};
