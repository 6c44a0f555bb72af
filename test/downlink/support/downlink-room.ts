import { Registry } from 'prom-client';
import { pino } from 'pino';
import type { Test } from 'tap';
import type { ConnectionDownlinks } from '../../../src/downlink/complete-downlink.js';
import { createDownlinkMetrics, type DownlinkMetrics } from '../../../src/downlink/metrics.js';
import type { DeviceRecord, DownlinkLife, DownlinkLives, DownlinkStep, DownlinkStore, DownlinkTarget, StatusOutlet } from '../../../src/downlink/ports.js';
import { BridgeError } from '../../../src/errors.js';
import type { Logger } from '../../../src/log.js';
import type { DownlinkStatusFields } from '../../../src/messages/message.js';
import { createMetricFamily, type MetricFamily } from '../../../src/metric-family.js';
import { openLocalDownlinks } from '../../../src/store/local/downlinks/local-downlinks.js';
import { deadlineIn } from '../../../src/lifecycle.js';
import { testDir } from '../../support/test-dir.js';

export type Published = Parameters<StatusOutlet['publish']>[0];

/** An outbox that drops what it has seen, and refuses everything while it is full. */
export interface TestOutlet extends StatusOutlet {
  readonly published: readonly Published[];
  full: boolean;
  /** Publishes that were refused, and that were dropped as repeats. */
  readonly counts: { refused: number; repeated: number };
  /** The states of a caller's id, in order. */
  states(correlationId: string): string[];
  find(correlationId: string, state: string): DownlinkStatusFields | undefined;
}

export const createTestOutlet = (): TestOutlet => {
  const published: Published[] = [];
  const keys = new Set<string>();
  const counts = { refused: 0, repeated: 0 };
  const outlet: TestOutlet = {
    published,
    full: false,
    counts,
    async publish(status) {
      if (outlet.full) {
        counts.refused += 1;
        throw new BridgeError('outbox_full');
      }
      if (keys.has(status.key)) counts.repeated += 1;
      else published.push(status);
      keys.add(status.key);
    },
    states: (correlationId) => published.filter(({ fields }) => fields.correlationId === correlationId).map(({ fields }) => fields.state),
    find: (correlationId, state) => published.find(({ fields }) => fields.correlationId === correlationId && fields.state === state)?.fields,
  };
  return outlet;
};

/** What was noted about downlinks. */
export interface TestLives extends Pick<DownlinkLives, 'note'> {
  readonly noted: readonly { readonly life: Omit<DownlinkLife, 'steps'>; readonly step: DownlinkStep }[];
  /** State and attempt of each step of a caller's id, in order. */
  steps(correlationId: string): string[];
}

export const createTestLives = (): TestLives => {
  const noted: { readonly life: Omit<DownlinkLife, 'steps'>; readonly step: DownlinkStep }[] = [];
  return {
    noted,
    note: (life, step) => void noted.push({ life, step }),
    steps: (correlationId) => noted.filter(({ life }) => life.correlationId === correlationId).map(({ step }) => `${step.state} ${step.attempt}`),
  };
};

export interface DownlinkRoom {
  readonly store: DownlinkStore;
  readonly outlet: TestOutlet;
  readonly lives: TestLives;
  /** May be changed while the test runs, as the bridge does. */
  readonly targets: Map<string, DownlinkTarget>;
  readonly connections: Map<string, ConnectionDownlinks>;
  readonly networkServers: MetricFamily;
  readonly metrics: DownlinkMetrics;
  readonly registry: Registry;
  readonly logger: Logger;
  /** What was logged, a line each. */
  readonly lines: readonly string[];
  /** A series' value; undefined where there is no such series. */
  metric(name: string, labels: Readonly<Record<string, string>>): Promise<number | undefined>;
}

export interface RoomOptions {
  readonly targets: readonly DownlinkTarget[];
  readonly connections?: readonly Partial<ConnectionDownlinks>[];
  readonly devices?: readonly (Pick<DeviceRecord, 'deviceId' | 'networkServerId'> & Partial<DeviceRecord>)[];
  readonly dataDir?: string;
  readonly ratePerSecond?: number;
  readonly now?: () => number;
}

export const connectionOf = (changes: Partial<ConnectionDownlinks>): ConnectionDownlinks => ({
  id: 'main',
  topicPattern: 'tpx/things/{DevEUI}/downlink',
  validityMs: 3_600_000,
  windowMs: 60_000,
  maxWaiting: 1_000,
  ...changes,
});

const seriesOf = async (registry: Registry, name: string, labels: Readonly<Record<string, string>>): Promise<number | undefined> => {
  const metric = await registry.getSingleMetric(name)?.get();
  return metric?.values.find((value) => Object.entries(labels).every(([label, text]) => value.labels[label] === text))?.value;
};

/** Everything around the downlinks of a test: the real local store, and an outbox that can be looked into. */
export const openDownlinkRoom = async (t: Test, options: RoomOptions): Promise<DownlinkRoom> => {
  const lines: string[] = [];
  const logger = pino({ level: 'debug', base: null }, { write: (line: string) => void lines.push(line) });
  const store = await openLocalDownlinks({
    dataDir: options.dataDir ?? testDir(t),
    ratePerSecond: () => options.ratePerSecond ?? 1_000,
    reportWindowMs: 3_600_000,
    logger,
    ...(options.now === undefined ? {} : { now: options.now }),
  });
  t.teardown(() => store.close(deadlineIn(5_000)));
  const connections = new Map((options.connections ?? [{}]).map(connectionOf).map((one) => [one.id, one]));
  const targets = new Map(options.targets.map((target) => [target.id, target]));
  const registry = new Registry();
  const networkServers = createMetricFamily(registry, 'network_server', [...targets.keys()]);
  const metrics = createDownlinkMetrics({ connections: createMetricFamily(registry, 'connection', [...connections.keys()]), networkServers, totals: (id) => store.queue.totals(id), headroom: (id) => store.queue.headroom(id) });
  for (const device of options.devices ?? []) store.devices.heard({ connectionIds: ['main'], address: {}, ...device });
  return { store, outlet: createTestOutlet(), lives: createTestLives(), targets, connections, networkServers, metrics, registry, logger, lines, metric: (name, labels) => seriesOf(registry, `lpwan_bridge_${name}`, labels) };
};
