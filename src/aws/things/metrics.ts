import type { Reason } from '../../errors.js';
import type { MetricFamily } from '../../metric-family.js';
import { registryOperationNames, type RegistryOperation } from './registry-operations.js';

/** How the registration of a device can end. */
export type ThingOutcome = 'ready' | 'missing' | 'foreign' | 'failed';

export interface ThingMetrics {
  called(connection: string, operation: RegistryOperation): void;
  failed(connection: string, reason: Reason): void;
  throttled(connection: string): void;
  ended(connection: string, outcome: ThingOutcome): void;
}

const failures: readonly Reason[] = ['registry_forbidden', 'registry_throttled', 'registry_refused', 'registry_unreachable', 'aws_credentials_missing'];
const outcomes: readonly ThingOutcome[] = ['ready', 'missing', 'foreign', 'failed'];

/**
 * What happens between the bridge and the registry of AWS. Every series starts at zero.
 * @param family With the label `connection`.
 * @param pending Devices of a connection whose thing is not settled.
 */
export const createThingMetrics = (family: MetricFamily, pending: (connection: string) => number): ThingMetrics => {
  const called = family.counterBy('registry_calls_total', 'Calls of the AWS IoT registry, by operation.', { name: 'operation', values: registryOperationNames });
  const failed = family.counterBy('registry_failures_total', 'Calls of the AWS IoT registry that failed, by reason.', { name: 'reason', values: failures });
  const ended = family.counterBy('registry_things_total', 'Devices whose thing was looked up or made, by how it stands then.', { name: 'state', values: outcomes });
  const throttled = family.counter('registry_throttles_total', 'Calls that AWS throttled and that were repeated more slowly.');
  family.gauge('registry_pending', 'Devices that wait for their thing.', pending);
  return { called, failed, throttled, ended };
};
