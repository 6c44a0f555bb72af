import { parseArgs, type ParseArgsConfig } from 'node:util';
import { messageOf } from '../errors.js';
import type { Command, Io } from './command.js';

/** Wrong arguments: the command ends with exit code 2 and its usage. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** `parseArgs` of Node, strict, whose errors are usage errors. */
export const parseArguments = <const Options extends NonNullable<ParseArgsConfig['options']>>(args: readonly string[], options: Options, allowPositionals = false) => {
  try {
    return parseArgs({ args: [...args], options, allowPositionals, strict: true });
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
};

/** A whole number of an option. @throws UsageError */
export const countOption = (name: string, text: string, max: number): number => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > max) throw new UsageError(`--${name} must be a whole number from 1 to ${max}`);
  return value;
};

/** Adds what all commands do alike: `--help`, and exit code 2 for wrong arguments. */
export const defineCommand = (command: Command): Command => ({
  ...command,
  async run(args: readonly string[], io: Io) {
    if (args.includes('--help')) {
      io.stdout.write(`lpwan-bridge ${command.usage}\n${command.summary}\n`);
      return 0;
    }
    try {
      return await command.run(args, io);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      io.stderr.write(`${error.message}\nusage: lpwan-bridge ${command.usage}\n`);
      return 2;
    }
  },
});
