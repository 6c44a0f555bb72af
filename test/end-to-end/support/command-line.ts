import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import type { CommandResult } from '../../support/run-command.js';

const boundMs = 60_000;

/** Runs the built command to its end, as an operator does. @throws where it does not end in a minute */
export const runBuilt = async (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> => {
  const { REDIS_URL: _elsewhere, LPWAN_API_TOKEN: _token, ...inherited } = process.env;
  const child = spawn(process.execPath, ['dist/main.js', ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...inherited, ...env }, timeout: boundMs });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });
  const [code, stdout, stderr] = await Promise.all([ended, buffer(child.stdout), buffer(child.stderr)]);
  if (typeof code !== 'number') throw new Error(`lpwan-bridge ${args.join(' ')} ended with ${String(code)}: ${stderr.toString()}`);
  return { code, stdout: stdout.toString(), stderr: stderr.toString() };
};
