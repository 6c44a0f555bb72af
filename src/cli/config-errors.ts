import { ConfigError, problemLine } from '../config/problem.js';
import { BridgeError } from '../errors.js';
import type { Io } from './command.js';

/** Writes each problem of a configuration as `path: message`. Returns the exit code. @throws what is no error of the configuration */
export const reportConfigError = (error: unknown, io: Pick<Io, 'stderr'>): number => {
  if (!(error instanceof BridgeError) || error.reason !== 'config_invalid') throw error;
  const lines = error instanceof ConfigError ? error.problems.map(problemLine) : [error.message];
  for (const line of lines) io.stderr.write(`${line}\n`);
  return 1;
};
