/** The outside world of a command, so that tests can hand in their own. */
export interface Io {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  readonly env: NodeJS.ProcessEnv;
  /** Aborted when the process is asked to stop. */
  readonly signal: AbortSignal;
}

/** One command of the `lpwan-bridge` program. */
export interface Command {
  readonly name: string;
  /** One line: `check-config --config FILE`. */
  readonly usage: string;
  readonly summary: string;
  /** Resolves with the exit code: 0 done, 1 failed, 2 wrong arguments. */
  run(args: readonly string[], io: Io): Promise<number>;
}
