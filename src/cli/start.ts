import type { Bridge } from '../app.js';
import { loadConfig, type LoadedConfig } from '../config/load.js';
import { BridgeError, messageOf } from '../errors.js';
import { createLogger, type Logger } from '../log.js';
import { countOption, defineCommand, parseArguments, UsageError } from './arguments.js';
import type { Io } from './command.js';
import { reportConfigError } from './config-errors.js';
import { settingsIn } from './private-api.js';
import { runWorkers } from './workers/run-workers.js';
import { checkWorkers, configOfWorker, letGoOfParent, maxWorkers, orParent, tellReady, workerNumber } from './workers/worker.js';

const aborted = (signal: AbortSignal): Promise<void> =>
  signal.aborted ? Promise.resolve() : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

interface Choice {
  readonly file: string;
  /** Processes that share the port of the webhooks. */
  readonly workers: number;
}

const readChoice = (args: readonly string[]): Choice => {
  const { values } = parseArguments(args, { config: { type: 'string', short: 'c' }, workers: { type: 'string', default: '1' } });
  if (values.config === undefined) throw new UsageError('--config FILE is required');
  return { file: values.config, workers: countOption('workers', values.workers, maxWorkers) };
};

/** Runs a bridge until it is asked to stop. Resolves with the exit code. */
const runBridge = async (bridge: Bridge, logger: Logger, signal: AbortSignal): Promise<number> => {
  try {
    await bridge.start();
  } catch (error) {
    const reason = error instanceof BridgeError ? error.reason : 'internal_error';
    logger.fatal({ reason, detail: messageOf(error), ...(error instanceof BridgeError ? {} : { err: error }) }, 'start failed');
    return 1;
  }
  logger.info(bridge.address(), 'ready');
  tellReady();
  await aborted(signal);
  logger.info('stopping');
  await bridge.stop();
  logger.info('stopped');
  return 0;
};

const runOne = async (loaded: LoadedConfig, logger: Logger, signal: AbortSignal): Promise<number> => {
  const { createBridge } = await import('../app.js');
  return runBridge(createBridge(loaded, logger), logger, signal);
};

const runAsWorker = async (loaded: LoadedConfig, number: number, logger: Logger, io: Io): Promise<number> => {
  const code = await runOne({ ...loaded, config: configOfWorker(loaded.config, number) }, logger.child({ worker: number }), orParent(io.signal));
  letGoOfParent();
  return code;
};

const run = async ({ file, workers }: Choice, io: Io): Promise<number> => {
  const loaded = loadConfig({ file, env: settingsIn(io.env) });
  const { config, warnings } = loaded;
  const logger = createLogger(config.log.level);
  const number = workerNumber(io.env);
  if (number !== undefined) return runAsWorker(loaded, number, logger, io);
  if (workers > 1) checkWorkers(config, workers);
  for (const { path, message } of warnings) logger.warn({ path, detail: message }, 'configuration warning');
  if (workers === 1) return runOne(loaded, logger, io.signal);
  return runWorkers({ count: workers, env: io.env, shutdownTimeout: config.shutdownTimeout, logger, signal: io.signal });
};

export const startCommand = defineCommand({
  name: 'start',
  usage: 'start --config FILE [--workers N]',
  summary: 'Runs the bridge until SIGTERM or SIGINT; with --workers as N processes that share the port of the webhooks and, through Redis, everything else.',
  async run(args, io) {
    const choice = readChoice(args);
    try {
      return await run(choice, io);
    } catch (error) {
      return reportConfigError(error, io);
    }
  },
});
