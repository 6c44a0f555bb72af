import { loadConfig, type LoadedConfig } from '../config/load.js';
import { problemLine } from '../config/problem.js';
import { defineCommand, parseArguments, UsageError } from './arguments.js';
import type { Io } from './command.js';
import { reportConfigError } from './config-errors.js';
import { settingsIn } from './private-api.js';

/** Loads the file of `--config`, or reports why it cannot and gives the exit code. @throws UsageError */
export const loadOrReport = (args: readonly string[], io: Io): LoadedConfig | number => {
  const { config } = parseArguments(args, { config: { type: 'string', short: 'c' } }).values;
  if (config === undefined) throw new UsageError('--config is missing');
  try {
    return loadConfig({ file: config, env: settingsIn(io.env) });
  } catch (error) {
    return reportConfigError(error, io);
  }
};

export const checkConfigCommand = defineCommand({
  name: 'check-config',
  usage: 'check-config --config FILE',
  summary: 'Checks a configuration with its certificates and prints every problem as "path: message".',
  async run(args, io) {
    const loaded = loadOrReport(args, io);
    if (typeof loaded === 'number') return loaded;
    for (const warning of loaded.warnings) io.stdout.write(`warning: ${problemLine(warning)}\n`);
    io.stdout.write('config is valid\n');
    return 0;
  },
});
