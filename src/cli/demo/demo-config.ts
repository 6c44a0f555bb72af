import { join } from 'node:path';
import { stringify } from 'yaml';
import { demoKeys } from './bodies.js';
import type { Line } from './child.js';

export interface DemoPorts {
  readonly ingress: number;
  readonly private: number;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The configuration of the demo's bridge: four network servers, one connection to the sandbox. */
export const demoConfig = (dir: string, sandbox: Line, ports: DemoPorts, downlinkApi: string): string => {
  const mqtt = sandbox['mqtt'] as { host: string; port: number };
  return stringify({
    dataDir: join(dir, 'bridge'),
    ingress: { host: '127.0.0.1', port: ports.ingress },
    private: { host: '127.0.0.1', port: ports.private },
    networkServers: [
      { id: 'thingpark', kind: 'thingpark', authenticate: { token: { key: demoKeys.thingparkAsKey } } },
      { id: 'thingpark-reports', kind: 'thingpark', authenticate: { none: true, sources: ['127.0.0.0/8', '::1/128'] } },
      { id: 'tts', kind: 'the-things-stack', authenticate: { bearer: demoKeys.theThingsStack } },
      { id: 'chirpstack', kind: 'chirpstack', authenticate: { header: { name: 'x-api-key', value: demoKeys.chirpstack } }, downlink: { url: downlinkApi, apiToken: demoKeys.chirpstackToken } },
      { id: 'sigfox', kind: 'sigfox', authenticate: { basic: { username: demoKeys.sigfoxUser, password: demoKeys.sigfoxPassword } } },
    ],
    connections: [
      {
        id: 'main',
        connectorId: 'aws-iot',
        name: 'Sandbox, a stand-in for AWS IoT Core',
        configuration: {
          endpoint: `localhost:${mqtt.port}`,
          uplinkTopicPattern: 'tpx/things/{DevEUI}/uplink',
          downlinkTopicPattern: 'tpx/things/{DevEUI}/downlink',
          certificate_file: text(sandbox['certificate']),
          privateKey_file: text(sandbox['privateKey']),
          caCertificate_file: text(sandbox['caCertificate']),
        },
      },
    ],
  });
};
