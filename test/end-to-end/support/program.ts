import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { nodeOptions } from '../../../src/cli/node-options.js';

export type Line = Readonly<Record<string, unknown>>;

/** A process under test that speaks JSON lines. */
export interface Program {
  readonly pid: number;
  readonly lines: readonly Line[];
  onLine(listener: (line: Line) => void): void;
  waitFor(what: string, wanted: (line: Line) => boolean, timeoutMs?: number): Promise<Line>;
  send(command: Line): void;
  signal(name: NodeJS.Signals): void;
  /** Closes our end of its stdout. */
  stopReading(): void;
  /** Resolves with the exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  stderr(): string;
  /** Everything that was written, but for the lines of publishes. */
  output(): string;
}

const parseLine = (text: string): Line | undefined => {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
};

/** The end of what a program said, for the message of a failed wait. */
const lastLines = (lines: readonly Line[]): string => lines.slice(-5).map((line) => JSON.stringify(line).slice(0, 500)).join('\n');

const collectErrors = (child: ChildProcess): (() => string) => {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (text = (text + chunk).slice(-200_000)));
  return () => text;
};

/** Starts a program; the test must end it. */
export const startProgram = (command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Program => {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
  const lines: Line[] = [];
  const strays: string[] = [];
  const listeners = new Set<(line: Line) => void>();
  const stderr = collectErrors(child);
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  const story = (): string => `its last lines:\n${lastLines(lines)}\nstderr: ${stderr()}`;
  child.stdin.on('error', () => undefined);
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = parseLine(text);
    if (line === undefined) return void strays.push(text);
    if (line['event'] !== 'publish') lines.push(line);
    for (const listener of listeners) listener(line);
  });
  return {
    pid: child.pid ?? 0,
    lines,
    ended,
    stderr,
    output: () => [...lines.map((line) => JSON.stringify(line)), ...strays, stderr()].join('\n'),
    onLine: (listener) => void listeners.add(listener),
    send: (line) => void child.stdin.write(`${JSON.stringify(line)}\n`),
    signal: (name) => void child.kill(name),
    stopReading: () => void child.stdout.destroy(),
    waitFor: (what, wanted, timeoutMs = 20_000) =>
      new Promise<Line>((resolve, reject) => {
        const timer = setTimeout(() => finish(() => reject(new Error(`${what} did not come in ${timeoutMs} ms; ${story()}`))), timeoutMs);
        const listener = (line: Line): void => {
          if (wanted(line)) finish(() => resolve(line));
        };
        const finish = (conclude: () => void): void => {
          clearTimeout(timer);
          listeners.delete(listener);
          conclude();
        };
        listeners.add(listener);
        void ended.then((code) => finish(() => reject(new Error(`the process ended (${String(code)}) before ${what}; ${story()}`))));
        const early = lines.find(wanted);
        if (early !== undefined) finish(() => resolve(early));
      }),
  };
};

/** The built command as an operator runs it. */
export const startBridgeProgram = (args: readonly string[], env?: NodeJS.ProcessEnv): Program => startProgram(process.execPath, [...nodeOptions, 'dist/main.js', ...args], env);
