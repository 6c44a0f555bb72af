import { join } from 'node:path';
import type { Test } from 'tap';
import { createTestCertificates } from './certificates.js';
import { testDir } from './test-dir.js';

/** A configuration as the documentation shows it. */
export const exampleConfig = `dataDir: ./data
ingress: { host: 0.0.0.0, port: 8080 }
private: { host: 127.0.0.1, port: 9090 }
outbox: { maxBytes: 2GB }
networkServers:
  - id: factory
    kind: chirpstack
    authenticate: { header: { name: x-api-key, value: "\${FACTORY_KEY}" } }
    downlink: { url: "http://127.0.0.1:8090", apiToken: "\${CHIRPSTACK_TOKEN}" }
connections:
  - id: main
    connectorId: aws-iot
    name: Main account
    configuration:
      endpoint: localhost:8883
      uplinkTopicPattern: tpx/things/{DevEUI}/uplink
      downlinkTopicPattern: tpx/things/{DevEUI}/downlink
      certificate_file: certs/bridge.pem
      privateKey_file: certs/bridge.key
      caCertificate_file: certs/ca.pem
      payloadFormat: normalised
      maxClients: 10
      publishesPerSecondPerClient: 100
`;

/** Values of the variables that the example names: markers that must never be printed. */
export const exampleEnv = { FACTORY_KEY: 'marker-secret-factory', CHIRPSTACK_TOKEN: 'marker-secret-token' };

const certificates = await createTestCertificates();

/** A folder with `bridge.yaml` and working certificates; `extra` adds files beside them or replaces some. Gives the path of the configuration. */
export const exampleFile = (t: Test, yaml: string = exampleConfig, extra: Readonly<Record<string, string>> = {}): string => {
  const certs = { 'bridge.pem': certificates.cert, 'bridge.key': certificates.key, 'ca.pem': certificates.ca, 'ending.pem': certificates.ending, ...extra };
  return join(testDir(t, { 'bridge.yaml': yaml, certs }), 'bridge.yaml');
};

/** Lines of the private key, by which a leak of it would be seen. */
export const keyLines = (): readonly string[] => certificates.key.split('\n').slice(1, 3);

/** The example with one text put in place of another, which must be there. */
export const changed = (from: string, to: string): string => {
  if (!exampleConfig.includes(from)) throw new Error(`the example holds no ${from}`);
  return exampleConfig.replace(from, () => to);
};
