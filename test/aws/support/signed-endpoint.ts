import { readFileSync } from 'node:fs';
import type { Endpoint } from '../../../src/aws/endpoint.js';
import type { SandboxAddress } from '../../../src/sandbox/sandbox.js';

/** The sandbox's MQTT over WebSocket, with its access key. */
export const signedEndpointOf = ({ caCertificate, wss, accessKeyId, secretAccessKey }: SandboxAddress): Endpoint => {
  if (wss === undefined) throw new Error('the sandbox does not listen for WebSockets');
  return { host: 'localhost', port: wss.port, ca: [readFileSync(caCertificate, 'utf8')], auth: { kind: 'sigv4', region: 'eu-west-1', credentials: async () => ({ accessKeyId, secretAccessKey }) } };
};
