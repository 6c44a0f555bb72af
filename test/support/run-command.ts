import { PassThrough } from 'node:stream';
import type { Command } from '../../src/cli/command.js';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in this process to its end. */
export const runCommand = async (command: Command, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CommandResult> => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const code = await command.run(args, { stdout, stderr, env, signal: new AbortController().signal });
  const textOf = (stream: PassThrough): string => ((stream.read() as Buffer | null) ?? Buffer.alloc(0)).toString();
  return { code, stdout: textOf(stdout), stderr: textOf(stderr) };
};
