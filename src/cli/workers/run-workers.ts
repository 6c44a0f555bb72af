import cluster, { type Worker } from 'node:cluster';
import { backoffMs, pause } from '../../backoff.js';
import type { Logger } from '../../log.js';
import { childOptions } from '../node-options.js';
import { readyWord, stopWord, workerVariable } from './worker.js';

/** Before a worker that ended is started again. */
const restart = { minMs: 500, maxMs: 30_000 };

/** A worker that worked for so long has recovered from what ended it before. */
const recoveredMs = 60_000;

/** Beyond the time that a bridge takes for a clean stop: a worker that is still there hangs. */
const graceMs = 5_000;

export interface WorkersOptions {
  readonly count: number;
  readonly env: NodeJS.ProcessEnv;
  /** The workers' own bound for a clean stop, ms. */
  readonly shutdownTimeout: number;
  readonly logger: Logger;
  /** Ends all of them. */
  readonly signal: AbortSignal;
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  /** Whether it took webhooks before. */
  readonly wasReady: boolean;
}

/** Starts one and follows it to its end. */
const follow = async (worker: Worker, signal: AbortSignal, killAfterMs: number): Promise<Ended> => {
  let wasReady = false;
  let late: NodeJS.Timeout | undefined;
  const stop = (): void => {
    if (worker.isConnected()) worker.send(stopWord, () => undefined);
    late = setTimeout(() => worker.process.kill('SIGKILL'), killAfterMs);
  };
  worker.on('message', (word) => {
    if (word === readyWord) wasReady = true;
  });
  // A pipe that breaks ends with its worker, and that is told.
  worker.on('error', () => undefined);
  const ended = new Promise<Ended>((resolve) => worker.once('exit', (code: number | null, by: string | null) => resolve({ code, signal: by, wasReady })));
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return ended.finally(() => {
    clearTimeout(late);
    signal.removeEventListener('abort', stop);
  });
};

/**
 * Runs bridges as processes that share the port of the webhooks, each a replica of its own, until the signal says so. One that ends
 * by itself is started again; one that was never ready the first time ends all of them, because something is wrong with the set-up.
 * Resolves with the exit code.
 */
export const runWorkers = async ({ count, env, shutdownTimeout, logger, signal }: WorkersOptions): Promise<number> => {
  cluster.setupPrimary({ execArgv: childOptions() });
  const end = new AbortController();
  const over = end.signal;
  let code = 0;
  if (signal.aborted) end.abort();
  signal.addEventListener('abort', () => end.abort(), { once: true });

  const keep = async (number: number): Promise<void> => {
    for (let failures = 0, first = true; !over.aborted; first = false) {
      const startedAt = performance.now();
      const worker = cluster.fork({ ...env, [workerVariable]: String(number) });
      logger.info({ worker: number, pid: worker.process.pid }, 'worker started');
      const ended = await follow(worker, over, shutdownTimeout + graceMs);
      if (over.aborted) return;
      if (first && !ended.wasReady) {
        code = 1;
        end.abort();
        return;
      }
      failures = performance.now() - startedAt > recoveredMs ? 0 : failures + 1;
      const inMs = Math.round(backoffMs(restart, failures));
      logger.error({ worker: number, ...ended, in_ms: inMs }, 'worker ended by itself, starts again');
      await pause(inMs, over);
    }
  };

  await Promise.all(Array.from({ length: count }, (_, index) => keep(index + 1)));
  return code;
};
