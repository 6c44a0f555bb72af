import { messageOf } from '../src/errors.js';

export interface Command<Choice> {
  /** As it is called, such as `npm run faults`. */
  readonly name: string;
  /** Printed where the arguments are wrong. */
  readonly usage: string;
  /** @throws Error whose message names the wrong argument */
  readonly read: (args: readonly string[]) => Choice;
  /** Resolves with the exit code. @param line The whole command line, for what was made by it. */
  readonly run: (choice: Choice, line: string) => Promise<number>;
}

/** The process is stopped from outside: `end` leaves nothing behind. */
export const endWithSignals = (end: () => Promise<unknown>): void => {
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => void end().finally(() => process.exit(130)));
};

/** Where the result was put on this machine is left out: `--json FILE` changes nothing of it. */
const lineOf = (name: string, args: readonly string[]): string => {
  const telling = args.filter((arg, index) => arg !== '--json' && args[index - 1] !== '--json' && !arg.startsWith('--json='));
  return [name, ...(telling.length === 0 ? [] : ['--', ...telling])].join(' ');
};

const codeOf = async <Choice>({ name, usage, read, run }: Command<Choice>, args: readonly string[]): Promise<number> => {
  let choice: Choice;
  try {
    choice = read(args);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n${usage}`);
    return 2;
  }
  return run(choice, lineOf(name, args));
};

/**
 * Runs it with the arguments of the process, and ends the process. Exit codes: 0 all held, 1 something did not, 2 wrong arguments.
 * What still runs then, such as a load that goes on posting to nobody, is not waited for.
 */
export const runCommand = async <Choice>(command: Command<Choice>): Promise<never> => process.exit(await codeOf(command, process.argv.slice(2)));
