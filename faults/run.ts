import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from '../src/errors.js';
import { lineOf, tableOf, writeTable } from './report.js';
import { runRow, type Form, type Outcome, type Row } from './row.js';
import { rows } from './rows.js';
import type { Stage } from './stage.js';

const usage = `npm run faults -- [--only NAME]... [--quick] [--json FILE] [--write]\nrows: ${rows.map(({ name }) => name).join(', ')}\n`;

interface Choice {
  readonly chosen: readonly Row[];
  readonly form: Form;
  readonly json: string | undefined;
  readonly write: boolean;
}

/** @throws Error whose message names the wrong argument */
const readArguments = (args: readonly string[]): Choice => {
  const { values } = parseArgs({ args: [...args], options: { only: { type: 'string', multiple: true }, quick: { type: 'boolean', default: false }, json: { type: 'string' }, write: { type: 'boolean', default: false } } });
  const unknown = values.only?.find((name) => !rows.some((row) => row.name === name));
  if (unknown !== undefined) throw new Error(`--only: ${unknown} is no row`);
  if (values.write && values.only !== undefined) throw new Error('--write: the table holds every row, so --only does not go with it');
  return { chosen: rows.filter(({ name }) => values.only?.includes(name) ?? true), form: values.quick ? 'quick' : 'long', json: values.json, write: values.write };
};

/** A runner that is stopped leaves no process behind. */
const endWithSignals = (): ((stage: Stage | undefined) => void) => {
  let open: Stage | undefined;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      void Promise.resolve(open?.close()).finally(() => process.exit(130));
    });
  }
  return (stage) => void (open = stage);
};

const runAll = async ({ chosen, form, json, write }: Choice, args: readonly string[]): Promise<number> => {
  const opened = endWithSignals();
  const outcomes: Outcome[] = [];
  for (const row of chosen) {
    const outcome = await runRow(row, form, opened);
    outcomes.push(outcome);
    process.stdout.write(`${lineOf(outcome)}\n`);
    if (json !== undefined) writeFileSync(json, `${JSON.stringify({ form, rows: outcomes }, undefined, 2)}\n`);
  }
  if (write) writeTable('docs/reliability.md', tableOf(outcomes, ['npm run faults', ...(args.length === 0 ? [] : ['--', ...args])].join(' ')));
  const failed = outcomes.filter(({ passed }) => !passed).length;
  process.stdout.write(`${outcomes.length - failed} of ${outcomes.length} rows passed\n`);
  return failed === 0 ? 0 : 1;
};

/** Exit codes: 0 every row passed, 1 some row did not, 2 wrong arguments. */
const main = async (args: readonly string[]): Promise<number> => {
  let choice: Choice;
  try {
    choice = readArguments(args);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n${usage}`);
    return 2;
  }
  return runAll(choice, args);
};

// The load of a row that took too long goes on posting to nobody; nothing waits for it.
process.exit(await main(process.argv.slice(2)));
