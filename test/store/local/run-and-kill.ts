import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Lets a program run until it printed so many lines, kills it, and gives all that it printed. */
export const runAndKill = async (program: string, dataDir: string, lines: number): Promise<string[]> => {
  const child = spawn(process.execPath, [program, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  let count = 0;
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    output += text;
    count += text.split('\n').length - 1;
    if (count >= lines) child.kill('SIGKILL');
  });
  const timer = setTimeout(() => child.kill('SIGTERM'), 60_000);
  const [, signal] = (await once(child, 'close')) as [unknown, string];
  clearTimeout(timer);
  if (signal !== 'SIGKILL') throw new Error(`the program ended before it was killed: ${signal}`);
  return output.slice(0, output.lastIndexOf('\n')).split('\n');
};

/** What follows the sign on the lines that begin with it. */
export const after = (lines: readonly string[], sign: string): string[] => lines.filter((line) => line.startsWith(sign)).map((line) => line.slice(1));
