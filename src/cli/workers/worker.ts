import cluster from 'node:cluster';
import { join } from 'node:path';
import type { BridgeConfig } from '../../config/schema.js';
import { ConfigError } from '../../config/problem.js';

/** Names the environment variable that tells a worker its number. No setting, hence without the prefix of those. */
export const workerVariable = 'BRIDGE_WORKER';

/** More on one machine would only wait for each other. */
export const maxWorkers = 64;

/** What the parent process sends to a worker that is to stop. A signal would come twice where a service manager signals every process of the service. */
export const stopWord = 'stop';

/** What a worker sends to its parent once it takes webhooks. */
export const readyWord = 'ready';

/** The number of this process among the workers, from 1; undefined in every other process. */
export const workerNumber = (env: NodeJS.ProcessEnv): number | undefined => (cluster.isWorker ? Number(env[workerVariable]) : undefined);

const lastPort = 65_535;

/**
 * Makes sure that a bridge can run as so many workers.
 * @throws ConfigError (config_invalid) when they could share nothing, or would have no private port each
 */
export const checkWorkers = ({ redis, private: { port } }: Pick<BridgeConfig, 'redis' | 'private'>, count: number): void => {
  const problems = [
    ...(redis === undefined ? [{ path: 'redis', message: 'needed with --workers, which share through it what they know of devices, downlinks and duplicates' }] : []),
    ...(port === 0 ? [{ path: 'private.port', message: 'must not be 0 with --workers: each worker takes the next port' }] : []),
    ...(port + count - 1 > lastPort ? [{ path: 'private.port', message: `must be at most ${lastPort - count + 1} with ${count} workers: each takes the next port` }] : []),
  ];
  if (problems.length > 0) throw new ConfigError(problems);
};

/** The configuration of one worker: a data directory and a private port of its own; the port of the webhooks is everybody's. */
export const configOfWorker = (config: BridgeConfig, number: number): BridgeConfig => ({
  ...config,
  dataDir: join(config.dataDir, `worker-${number}`),
  private: { ...config.private, port: config.private.port + number - 1 },
});

/** A signal of this worker that also ends when the parent says so. */
export const orParent = (signal: AbortSignal): AbortSignal => {
  const either = new AbortController();
  signal.addEventListener('abort', () => either.abort(), { once: true });
  process.on('message', (word) => {
    if (word === stopWord) either.abort();
  });
  return either.signal;
};

/** Tells the parent that webhooks are taken. */
export const tellReady = (): void => void process.send?.(readyWord);

/** The parent's pipe does not keep a worker alive that has stopped. */
export const letGoOfParent = (): void => process.channel?.unref();
