import { Registry } from 'prom-client';
import type { Test } from 'tap';
import { createThingMetrics } from '../../../../src/aws/things/metrics.js';
import { createRegistrar, type Registrar } from '../../../../src/aws/things/registrar.js';
import type { RegistrarOptions } from '../../../../src/aws/things/registrar-options.js';
import { deadlineIn } from '../../../../src/lifecycle.js';
import type { BridgeEvent } from '../../../../src/messages/bridge-event.js';
import { stampMessage, type Message, type UplinkFields } from '../../../../src/messages/message.js';
import { createMetricFamily } from '../../../../src/metric-family.js';
import { recordLog } from '../../../support/record-log.js';
import { until } from '../../../support/until.js';
import { settings, type TestRegistry } from './registry.js';
import { createTestMemory, type TestThingMemory } from './thing-memory.js';

/** A registrar under test with all that it tells. */
export interface TestRegistrar {
  readonly registrar: Registrar;
  readonly memory: TestThingMemory;
  readonly events: BridgeEvent[];
  readonly log: Record<string, unknown>[];
  readonly released: string[];
  readonly metrics: Registry;
  /** Resolves when the memory of things has the device in this state. */
  readonly is: (deviceId: string, state: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

type Wanted = Partial<Omit<RegistrarOptions, 'connectionId'>> & { readonly memory?: TestThingMemory; readonly started?: boolean };

export const uplinkOf = (deviceId: string, more: Partial<UplinkFields> = {}): Message =>
  stampMessage({ id: '0', networkServer: { id: 'factory', kind: 'chirpstack' }, receivedAt: '2026-11-21T09:55:00.201Z' }, { type: 'uplink', deviceId, payload: '', ...more });

/** Starts a registrar of the connection `main` that is stopped with the test. */
export const startRegistrar = (t: Test, registry: TestRegistry, { memory = createTestMemory(), started = true, ...wanted }: Wanted = {}): TestRegistrar => {
  const events: BridgeEvent[] = [];
  const released: string[] = [];
  const metrics = new Registry();
  const { logger, log } = recordLog();
  const registrar: Registrar = createRegistrar(
    {
      connectionId: 'main',
      registry: registry.options,
      things: settings,
      certificate: { certificateId: registry.address.certificateArn },
      create: true,
      required: false,
      ...wanted,
      limits: { backoff: { minMs: 20, maxMs: 100 }, ...wanted.limits },
    },
    { memory, metrics: createThingMetrics(createMetricFamily(metrics, 'connection', ['main']), () => registrar.status().pending), logger, note: (event) => void events.push(event) },
  );
  registrar.onReleased((deviceId) => void released.push(deviceId));
  if (started) registrar.start();
  const stop = (): Promise<void> => registrar.stop(deadlineIn(5_000));
  t.teardown(stop);
  return { registrar, memory, events, log, released, metrics, is: (deviceId, state) => until(`${deviceId} is ${state}`, () => memory.get(deviceId)?.state === state), stop };
};
