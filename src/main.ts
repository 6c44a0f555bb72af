#!/usr/bin/env node
import { allCommands, findCommand } from './cli/commands.js';
import type { Io } from './cli/command.js';
import { messageOf } from './errors.js';

const usage = async (): Promise<string> =>
  ['lpwan-bridge carries LoRaWAN and Sigfox messages to AWS IoT Core.', '', ...(await allCommands()).map((command) => `  lpwan-bridge ${command.usage}\n      ${command.summary}`), ''].join('\n');

/** Runs the command that the arguments name. Resolves with the exit code. */
const run = async (args: readonly string[], io: Io): Promise<number> => {
  const [name = '', ...rest] = args;
  if (name === '' || name === '--help' || name === '-h' || name === 'help') {
    io.stdout.write(await usage());
    return name === '' ? 2 : 0;
  }
  const command = await findCommand(name);
  if (command === undefined) {
    io.stderr.write(`lpwan-bridge: no command "${name}"\n\n${await usage()}`);
    return 2;
  }
  return command.run(rest, io);
};

const stopping = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort());
// Whoever reads may stop to, as `head` does: then nothing is left to say. The daemon's log does not come through here, so that it goes on.
process.stdout.on('error', () => stopping.abort());
process.stderr.on('error', () => undefined);

try {
  process.exitCode = await run(process.argv.slice(2), { stdout: process.stdout, stderr: process.stderr, env: process.env, signal: stopping.signal });
} catch (error) {
  process.stderr.write(`lpwan-bridge: ${messageOf(error)}\n`);
  process.exitCode = 1;
}

/** A handle that somebody forgot must not keep a stopped daemon alive, ms. */
const lingerMs = 1_000;
setTimeout(() => process.exit(), lingerMs).unref();
