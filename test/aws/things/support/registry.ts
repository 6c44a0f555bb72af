import { readFileSync } from 'node:fs';
import { IoTClient, ListThingPrincipalsCommand } from '@aws-sdk/client-iot';
import type { Test } from 'tap';
import { createCredentials } from '../../../../src/aws/credentials.js';
import { createRegistryClient, type RegistryClient, type RegistryOptions } from '../../../../src/aws/things/registry-client.js';
import { registryOperationNames } from '../../../../src/aws/things/registry-operations.js';
import type { ThingSettings } from '../../../../src/aws/things/thing-pattern.js';
import type { SandboxLimits } from '../../../../src/sandbox/limits.js';
import { createSandbox, type Sandbox, type SandboxAddress } from '../../../../src/sandbox/sandbox.js';
import { testDir } from '../../../support/test-dir.js';

/** A sandbox with its registry, and clients of it. */
export interface TestRegistry {
  readonly sandbox: Sandbox;
  readonly address: SandboxAddress;
  /** URL of the API. */
  readonly endpoint: string;
  readonly options: RegistryOptions;
  readonly client: RegistryClient;
  readonly certificate: string;
  readonly principalsOf: (thingName: string) => Promise<readonly string[]>;
  /** Calls of an operation that the sandbox has seen. */
  readonly calls: (operation: string) => number;
}

export const region = 'us-east-1';

/** Tests wait for no quota but where one is what they are about. */
export const withoutQuotas = Object.fromEntries(registryOperationNames.map((operation) => [operation, 0])) as Partial<SandboxLimits>;
const highQuotas = Object.fromEntries(registryOperationNames.map((operation) => [operation, 5_000]));

export const startRegistry = async (t: Test, limits: Partial<SandboxLimits> = {}): Promise<TestRegistry> => {
  const sandbox = createSandbox({ dataDir: testDir(t), apiPort: 0, externalId: 'factory-7', limits: { ...withoutQuotas, ...limits } });
  const address = await sandbox.start();
  t.teardown(() => sandbox.stop());
  if (address.api === undefined) throw new Error('the sandbox has no API');
  const endpoint = `http://${address.api.host}:${address.api.port}`;
  const { accessKeyId, secretAccessKey } = address;
  const credentials = createCredentials({ region, from: { kind: 'access-key', accessKeyId, secretAccessKey } });
  const options: RegistryOptions = { region, endpoint, credentials, requestsPerSecond: 5_000, quotas: highQuotas };
  const client = createRegistryClient(options);
  const sdk = new IoTClient({ region, endpoint, credentials });
  t.teardown(() => {
    client.close();
    sdk.destroy();
  });
  return {
    sandbox,
    address,
    endpoint,
    options,
    client,
    certificate: readFileSync(address.certificate, 'utf8'),
    principalsOf: async (thingName) => (await sdk.send(new ListThingPrincipalsCommand({ thingName }))).principals ?? [],
    calls: (operation) => (sandbox.stats().api.calls as Record<string, number>)[operation] ?? 0,
  };
};

export const settings: ThingSettings = {
  name: '{DevEUI}',
  attributes: { name: '{deviceName}' },
  deviceType: 'lorawan',
  ownerAttribute: 'managedBy',
  owner: 'lpwan-bridge',
  takeOver: false,
};

/** An IAM policy that allows everything but this. */
export const denying = (...actions: string[]): unknown => ({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: '*', Resource: '*' },
    { Effect: 'Deny', Action: actions, Resource: '*' },
  ],
});

export const allowingAll = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
