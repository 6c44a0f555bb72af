import { IoTClient, IoTServiceException, type IoTClientConfig } from '@aws-sdk/client-iot';
import type { Test } from 'tap';
import type { SandboxAddress } from '../../../src/sandbox/sandbox.js';
import type { SandboxOptions } from '../../../src/sandbox/sandbox.js';
import { startSandbox, type Running } from './harness.js';

export interface RunningApi extends Running {
  readonly client: IoTClient;
  readonly url: string;
}

/** Where the API listens. */
export const urlOf = ({ api }: SandboxAddress): string => {
  if (api === undefined) throw new Error('the API does not listen');
  return `http://${api.host}:${api.port}`;
};

/** AWS's own client with the sandbox's access key; one attempt a call, so that a test sees each error. */
export const openClient = (t: Test, address: SandboxAddress, options: Partial<IoTClientConfig> = {}): IoTClient => {
  const { accessKeyId, secretAccessKey } = address;
  const client = new IoTClient({ region: 'eu-west-1', endpoint: urlOf(address), credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1, ...options });
  t.teardown(() => client.destroy());
  return client;
};

/** A sandbox with its API, and a client of it. */
export const startApi = async (t: Test, options: Omit<SandboxOptions, 'dataDir'> = {}): Promise<RunningApi> => {
  const running = await startSandbox(t, { apiPort: 0, ...options });
  return { ...running, url: urlOf(running.address), client: openClient(t, running.address) };
};

/** The error of AWS's client that a call ends with. */
export const refusalOf = async (call: Promise<unknown>): Promise<IoTServiceException & Record<string, unknown>> => {
  try {
    await call;
  } catch (error) {
    if (error instanceof IoTServiceException) return error as IoTServiceException & Record<string, unknown>;
    throw error;
  }
  throw new Error('the call succeeded');
};

/** Name and status of a refusal. */
export const errorOf = async (call: Promise<unknown>): Promise<[string, number | undefined]> => {
  const { name, $metadata } = await refusalOf(call);
  return [name, $metadata.httpStatusCode];
};
