/** Tells the benchmark something: one JSON object on a line of stdout. */
export const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** What the benchmark says at the start, as the only argument. */
export const settings = <T>(): T => JSON.parse(process.argv[2] ?? '{}') as T;

/** Ends the process when it is asked to, and when the benchmark is gone: its end closes our stdin. */
export const endWhenAsked = (): void => {
  process.once('SIGTERM', () => process.exit(0));
  process.stdin.once('end', () => process.exit(0)).resume();
};
