import { parseArgs } from 'node:util';
import { createBridge, type Bridge } from '../app.js';
import { loadConfig } from '../config/load.js';
import { BridgeError, messageOf } from '../errors.js';
import { createLogger, type Logger } from '../log.js';
import type { Command, Io } from './command.js';
import { reportConfigError } from './config-errors.js';
import { settingsIn } from './private-api.js';

const aborted = (signal: AbortSignal): Promise<void> =>
  signal.aborted ? Promise.resolve() : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

const configFile = (args: readonly string[]): string => {
  const { values } = parseArgs({ args: [...args], options: { config: { type: 'string', short: 'c' } } });
  if (values.config === undefined) throw new Error('--config FILE is required');
  return values.config;
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
  await aborted(signal);
  logger.info('stopping');
  await bridge.stop();
  logger.info('stopped');
  return 0;
};

const start = async (file: string, io: Io): Promise<number> => {
  let loaded;
  try {
    loaded = loadConfig({ file, env: settingsIn(io.env) });
  } catch (error) {
    reportConfigError(error, io);
    return 1;
  }
  const { config, warnings } = loaded;
  const logger = createLogger(config.log.level);
  for (const { path, message } of warnings) logger.warn({ path, detail: message }, 'configuration warning');
  return runBridge(createBridge(loaded, logger), logger, io.signal);
};

export const startCommand: Command = {
  name: 'start',
  usage: 'start --config FILE',
  summary: 'Runs the bridge until SIGTERM or SIGINT.',
  async run(args, io) {
    let file: string;
    try {
      file = configFile(args);
    } catch (error) {
      io.stderr.write(`lpwan-bridge start: ${messageOf(error)}\n`);
      return 2;
    }
    return start(file, io);
  },
};
