import { spawn } from 'node:child_process';

export interface Generator {
  readonly command: string;
  readonly args: readonly string[];
  /** It is killed after that time. */
  readonly withinMs: number;
}

const mostOutput = 100_000;

/** Runs a load generator to its end. Resolves with the JSON object of the last line that is one. @throws Error with what it said when it failed or was too slow */
export const runGenerator = ({ command, args, withinMs }: Generator): Promise<Readonly<Record<string, number>>> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) child[name].setEncoding('utf8').on('data', (text: string) => (output[name] = (output[name] + text).slice(-mostOutput)));
    const late = setTimeout(() => child.kill('SIGKILL'), withinMs);
    child.once('error', (error) => {
      clearTimeout(late);
      reject(new Error(`${command} did not start: ${error.message}`));
    });
    child.once('close', (code, signal) => {
      clearTimeout(late);
      const result = output.stdout.split('\n').findLast((line) => line.startsWith('{'));
      if (code === 0 && result !== undefined) resolve(JSON.parse(result) as Readonly<Record<string, number>>);
      else reject(new Error(`${command} ended with ${code ?? signal}: ${output.stderr.trim() || output.stdout.trim()}`));
    });
  });
