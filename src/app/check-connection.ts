import type { CheckStep } from '../api/ports.js';
import type { ConnectionConfig } from '../config/connection.js';
import { registryOf } from '../config/connection-things.js';
import { endpointOf } from '../config/endpoint.js';
import { topicFilterOf } from '../topics/topic-filter.js';
import { clientIds, connectWith, endpointSettings } from './connection-options.js';
import { awsPlaceOf } from './policies.js';
import { registryParts } from './registry-options.js';

/** What was tried, in order, and whether all of it works. */
export interface CheckReport {
  readonly ok: boolean;
  readonly steps: readonly CheckStep[];
}

/** The name that AWS's own DescribeEndpoint gives; a private link or a stand-in has another. */
const awsHost = (config: ConnectionConfig): { readonly endpoint?: string } => {
  const { host } = endpointOf(config.configuration);
  return /\.amazonaws\.com(\.cn)?$/i.test(host) && !host.includes('.vpce.') ? { endpoint: host } : {};
};

const registrySteps = async (config: ConnectionConfig): Promise<readonly CheckStep[]> => {
  const configured = registryOf(config.configuration);
  if (configured === undefined) return [{ step: 'registry', result: 'skipped', durationMs: 0, detail: 'the connection has no AWS credentials, so it registers no devices' }];
  const { checkRegistry } = await import('../aws/things/check-registry.js');
  return checkRegistry({ ...registryParts(configured), ...awsHost(config), create: configured.createDevices });
};

/** In place of a replica's slot: a check runs beside the sessions of the bridge. */
const checkSlot = 'check';

const mqttSettings = (config: ConnectionConfig) => {
  const { configuration } = config;
  return {
    endpoint: endpointSettings(config),
    clientIdPrefix: clientIds(config, checkSlot),
    version: configuration.mqttVersion === '5' ? 5 : 4,
    timeoutMs: configuration.connectTimeout,
    uplinkPattern: configuration.uplinkTopicPattern,
    place: awsPlaceOf(config),
    ...(configuration.downlinkEnabled ? { downlinkFilter: topicFilterOf(configuration.downlinkTopicPattern) } : {}),
  } as const;
};

/** Tries a connection with real sessions and calls, and leaves nothing behind. Never rejects because a step failed. */
export const checkConnection = async (config: ConnectionConfig, signal: AbortSignal): Promise<CheckReport> => {
  const { checkMqtt } = await import('../aws/check/check-mqtt.js');
  const mqtt = await checkMqtt(connectWith(mqttSettings(config)), signal);
  const steps = [...mqtt, ...(await registrySteps(config))];
  return { ok: steps.every(({ result }) => result !== 'failed'), steps };
};
