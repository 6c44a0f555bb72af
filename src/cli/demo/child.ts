import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { childOptions } from '../node-options.js';

/** A process of this very program, spoken to in JSON lines. */
export interface Child {
  /** Resolves with the first line on stdout that `wanted` accepts. @throws when the process ends or time runs out first */
  waitFor(what: string, wanted: (line: Line) => boolean, timeoutMs?: number): Promise<Line>;
  onLine(listener: (line: Line) => void): void;
  send(command: Record<string, unknown>): void;
  /** SIGTERM, and SIGKILL when it does not end in time. Resolves with the exit code. */
  stop(): Promise<number | null>;
}

export type Line = Readonly<Record<string, unknown>>;

const stopTimeoutMs = 15_000;

const parseLine = (text: string): Line | undefined => {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
};

/** What the process wrote to stderr, for the error message: its last lines. */
const tailOf = (child: ChildProcess): (() => string) => {
  let tail = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (tail = (tail + text).slice(-2_000)));
  return () => (tail.trim() === '' ? '' : `\n${tail.trim()}`);
};

/** What the process said in its log about its end. */
const lastWords = ({ level, msg, reason, detail }: Line): string => (level === 'fatal' ? `\n${[msg, reason, detail].filter((part) => typeof part === 'string').join(': ')}` : '');

/** Starts `lpwan-bridge ARGS` as a process of its own. */
export const startChild = (args: readonly string[]): Child => {
  const child = spawn(process.execPath, [...childOptions(), process.argv[1] ?? '', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const listeners = new Set<(line: Line) => void>();
  const stderr = tailOf(child);
  let fatal = '';
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  child.stdin.on('error', () => undefined);
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = parseLine(text);
    if (line !== undefined) fatal ||= lastWords(line);
    if (line !== undefined) for (const listener of listeners) listener(line);
  });

  return {
    async waitFor(what, wanted, timeoutMs = 20_000) {
      let listener: ((line: Line) => void) | undefined;
      let timer: NodeJS.Timeout | undefined;
      try {
        return await new Promise<Line>((resolve, reject) => {
          listener = (line) => wanted(line) && resolve(line);
          listeners.add(listener);
          timer = setTimeout(() => reject(new Error(`${what} did not come within ${timeoutMs / 1_000} s${stderr()}`)), timeoutMs);
          void ended.then((code) => reject(new Error(`the process ended with ${code} before ${what}${fatal}${stderr()}`)));
        });
      } finally {
        clearTimeout(timer);
        if (listener !== undefined) listeners.delete(listener);
      }
    },
    onLine: (listener) => void listeners.add(listener),
    send: (command) => void child.stdin.write(`${JSON.stringify(command)}\n`),
    async stop() {
      if (child.exitCode !== null) return child.exitCode;
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
      return ended.finally(() => clearTimeout(late));
    },
  };
};
