import type { Registry } from 'prom-client';
import { createAwsMetrics, type AwsMetrics } from '../aws/metrics.js';
import { createSubscriberMetrics, type SubscriberMetrics } from '../aws/subscriber-metrics.js';
import { createThingMetrics, type ThingMetrics } from '../aws/things/metrics.js';
import { createDownlinkMetrics, type DownlinkMetrics } from '../downlink/metrics.js';
import type { DownlinkQueue } from '../downlink/ports.js';
import { createIngressMetrics, type IngressMetrics } from '../ingress/metrics.js';
import type { NoteEvent } from '../messages/bridge-event.js';
import { createMetricFamily, type MetricFamily } from '../metric-family.js';
import { createDeviceMetrics, type DeviceMetrics } from '../uplink/device-metrics.js';
import { createUplinkMetrics, type UplinkMetrics } from '../uplink/metrics.js';
import type { Outbox } from '../uplink/ports.js';
import { certificateDays } from './health.js';
import type { Line } from './line.js';

export interface MetricsOptions {
  readonly registry: Registry;
  readonly outbox: Pick<Outbox, 'pending' | 'oldestAcceptedAt'>;
  readonly queue: Pick<DownlinkQueue, 'totals' | 'headroom'>;
  readonly line: (connectionId: string) => Line | undefined;
  readonly note: NoteEvent;
  /** False leaves the device metrics out. */
  readonly watchesDevices?: boolean;
  /** How many devices of a network server are silent. */
  readonly silentDevices?: (networkServerId: string) => number;
}

/** The metrics of all rooms, by connection and by network server. */
export interface Metrics {
  readonly connections: MetricFamily;
  readonly networkServers: MetricFamily;
  readonly uplinks: UplinkMetrics;
  readonly devices?: DeviceMetrics;
  readonly aws: AwsMetrics;
  readonly subscriber: SubscriberMetrics;
  readonly things: ThingMetrics;
  readonly downlinks: DownlinkMetrics;
  readonly ingress: IngressMetrics;
  /** Epoch ms of the last webhook of a network server that was accepted since start. */
  readonly lastMessageAt: (networkServerId: string) => number | undefined;
}

/** A downlink API that begins or ends to fail is an event of its network server. */
const noting = (metrics: DownlinkMetrics, note: NoteEvent): DownlinkMetrics => ({
  ...metrics,
  failing(id, failing) {
    metrics.failing(id, failing);
    note({ subject: { kind: 'network-server', id }, time: Date.now(), level: failing ? 'error' : 'info', text: failing ? 'takes no downlinks' : 'takes downlinks again', ...(failing ? { reason: 'network_server_unreachable' } : {}) });
  },
});

export const createMetrics = ({ registry, outbox, queue, line, note, watchesDevices = true, silentDevices = () => 0 }: MetricsOptions): Metrics => {
  const connections = createMetricFamily(registry, 'connection');
  const networkServers = createMetricFamily(registry, 'network_server');
  const lastMessages = new Map<string, number>();
  const ingress = createIngressMetrics(networkServers, registry);
  return {
    connections,
    networkServers,
    uplinks: createUplinkMetrics({ networkServers, connections, outbox }),
    ...(watchesDevices ? { devices: createDeviceMetrics(networkServers, silentDevices) } : {}),
    aws: createAwsMetrics({
      connections,
      read(id) {
        const one = line(id);
        if (one === undefined) return undefined;
        const { sessions = 0, inFlight = 0 } = one.aws() ?? {};
        return { sessions, inFlight, held: one.heldSince() !== undefined, certificateDays: certificateDays(one.config) ?? Number.NaN };
      },
    }),
    subscriber: createSubscriberMetrics({ connections, opened: (id) => line(id)?.downlinks()?.state === 'opened' }),
    things: createThingMetrics(connections, (id) => line(id)?.things.status()?.pending ?? 0),
    downlinks: noting(createDownlinkMetrics({ connections, networkServers, totals: (id) => queue.totals(id), headroom: (id) => queue.headroom(id) }), note),
    ingress: {
      ...ingress,
      answered(id, seconds) {
        lastMessages.set(id, Date.now());
        ingress.answered(id, seconds);
      },
    },
    lastMessageAt: (id) => lastMessages.get(id),
  };
};
