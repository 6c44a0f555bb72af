import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { endWithSignals, runCommand } from './command.js';
import { lineOf, tableOf } from './report.js';
import { runRow, type Form, type Outcome, type Row } from './row.js';
import { rows } from './rows.js';
import { writeBetween } from './write-between.js';

const usage = `npm run faults -- [--only NAME]... [--quick] [--jobs N] [--json FILE] [--write]\nrows: ${rows.map(({ name }) => name).join(', ')}\n`;
/** More would only wait for each other. */
const mostJobs = 32;

interface Choice {
  readonly chosen: readonly Row[];
  readonly form: Form;
  /** Rows that run beside each other. */
  readonly jobs: number;
  readonly json: string | undefined;
  readonly write: boolean;
}

/** @throws Error whose message names the wrong argument */
const readArguments = (args: readonly string[]): Choice => {
  const { values } = parseArgs({ args: [...args], options: { only: { type: 'string', multiple: true }, quick: { type: 'boolean', default: false }, jobs: { type: 'string', default: '1' }, json: { type: 'string' }, write: { type: 'boolean', default: false } } });
  const unknown = values.only?.find((name) => !rows.some((row) => row.name === name));
  if (unknown !== undefined) throw new Error(`--only: ${unknown} is no row`);
  const jobs = /^\d{1,3}$/.test(values.jobs) ? Number(values.jobs) : 0;
  if (jobs < 1 || jobs > mostJobs) throw new Error(`--jobs: ${values.jobs} is not a number from 1 to ${mostJobs}`);
  if (values.write && values.only !== undefined) throw new Error('--write: the table holds every row, so --only does not go with it');
  return { chosen: rows.filter(({ name }) => values.only?.includes(name) ?? true), form: values.quick ? 'quick' : 'long', jobs, json: values.json, write: values.write };
};

/** Runs `jobs` rows beside each other, the longest begun first, and behind them one by one those that need the machine for themselves. `told` gets the outcomes so far, in that order, whenever one more row has ended whose predecessors all have. */
const runRows = async ({ chosen, form, jobs }: Choice, told: (outcomes: readonly Outcome[]) => void): Promise<readonly Outcome[]> => {
  // A runner that is stopped leaves no process behind.
  const open = new Set<() => Promise<void>>();
  endWithSignals(() => Promise.all([...open].map((end) => end())));
  const ended = new Map<Row, Outcome>();
  const outcomes: Outcome[] = [];
  const tell = (): void => {
    for (let next = chosen[outcomes.length]; next !== undefined; next = chosen[outcomes.length]) {
      const outcome = ended.get(next);
      if (outcome === undefined) return;
      outcomes.push(outcome);
      told(outcomes);
    }
  };
  const isAlone = ({ alone = false }: Row): boolean => alone && form === 'long';
  const runner = async (waiting: Row[]): Promise<void> => {
    for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
      ended.set(row, await runRow(row, form, open));
      tell();
    }
  };
  const beside = chosen.filter((row) => !isAlone(row)).sort((one, other) => other.boundSeconds[form] - one.boundSeconds[form]);
  await Promise.all(Array.from({ length: jobs }, () => runner(beside)));
  await runner(chosen.filter(isAlone));
  return outcomes;
};

const runAll = async (choice: Choice, line: string): Promise<number> => {
  const { form, json, write } = choice;
  const outcomes = await runRows(choice, (sofar) => {
    const outcome = sofar.at(-1);
    if (outcome !== undefined) process.stdout.write(`${lineOf(outcome)}\n`);
    if (json !== undefined) writeFileSync(json, `${JSON.stringify({ form, rows: sofar }, undefined, 2)}\n`);
  });
  if (write) writeBetween('docs/reliability.md', 'faults', tableOf(outcomes, line));
  const failed = outcomes.filter(({ passed }) => !passed).length;
  process.stdout.write(`${outcomes.length - failed} of ${outcomes.length} rows passed\n`);
  return failed === 0 ? 0 : 1;
};

await runCommand({ name: 'npm run faults', usage, read: readArguments, run: runAll });
