import { writeFileSync } from 'node:fs';
import { runCommand } from '../faults/command.js';
import { messageOf } from '../src/errors.js';
import { readArguments, usageOf, type Choice } from './arguments.js';
import { ensureBenchTools } from './ensure-tools.js';
import { changesSince, readResult } from './report/compare.js';
import { lineOf, number } from './report/figures.js';
import { pageOf, writePage } from './report/page.js';
import { latencyPlot } from './report/plot.js';
import { resultOf, type Result } from './report/result.js';
import { runRow, type Outcome } from './row.js';
import { rows } from './rows.js';
import { ratesName } from './rows/rates.js';
import { createStage } from './scene.js';

const page = 'docs/performance.md';
const plot = { file: 'docs/latency.svg', besidePage: 'latency.svg' };

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** What runs now goes to stderr, so that stdout has the result alone. */
const tell = (text: string): void => void process.stderr.write(`  … ${text}\n`);

interface Running {
  /** What ends the row that runs. */
  readonly open: Set<() => Promise<void>>;
  /** No further row begins. */
  stopped: boolean;
}

/** A benchmark that is stopped ends what its rows have started. */
const endWithSignals = (close: () => Promise<void>): Running => {
  const running: Running = { open: new Set(), stopped: false };
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      running.stopped = true;
      void Promise.all([...running.open].map((end) => end())).then(close).finally(() => process.exit(130));
    });
  }
  return running;
};

const headingOf = ({ name, what, seconds, failure }: Outcome): string => `${failure === undefined ? 'ok' : 'FAILED'} ${name} (${seconds.toFixed(1)} s): ${failure ?? what}`;

const runRows = async ({ chosen, extent }: Choice, told: (outcomes: readonly Outcome[]) => void): Promise<readonly Outcome[]> => {
  const stage = createStage(extent, tell);
  const running = endWithSignals(() => stage.close());
  const outcomes: Outcome[] = [];
  for (const row of chosen) {
    outcomes.push(await runRow(row, stage, running.open));
    // The process ends as soon as everything else has.
    if (running.stopped) return new Promise(() => undefined);
    told(outcomes);
  }
  await stage.close();
  return outcomes;
};

const headlineLines = ({ headline }: Result): readonly string[] => {
  const { perSecond, ratioToBareFastify, ratioToNaiveBridge, cpuMicrosPerUplinkAt1000, acceptP99MsAt1000, arriveP99MsAt1000 } = headline;
  return [
    ...(perSecond === undefined ? [] : [`${number(perSecond)} uplinks/s: ${number(ratioToBareFastify, 2)} of bare Fastify, ${number(ratioToNaiveBridge, 2)} of the naive bridge`]),
    ...(cpuMicrosPerUplinkAt1000 === undefined ? [] : [`at 1,000/s: ${number(cpuMicrosPerUplinkAt1000)} µs of CPU each, p99 ${number(acceptP99MsAt1000, 2)} ms to the 2xx, ${number(arriveP99MsAt1000, 2)} ms to the broker`]),
  ];
};

const writeDocuments = (result: Result): void => {
  const drawn = latencyPlot(result.rows.find(({ name }) => name === ratesName)?.measured ?? []);
  if (drawn !== undefined) writeFileSync(plot.file, drawn);
  writePage(page, pageOf(result, drawn === undefined ? undefined : plot.besidePage));
};

const runAll = async (choice: Choice, command: string): Promise<number> => {
  const { json, compare, write, extent } = choice;
  const before = compare === undefined ? undefined : readResult(compare);
  const current = (outcomes: readonly Outcome[]): Result => resultOf(outcomes, { command, extent });
  const outcomes = await runRows(choice, (sofar) => {
    const outcome = sofar.at(-1);
    if (outcome !== undefined) say([headingOf(outcome), ...outcome.measured.map((measured) => `    ${lineOf(measured)}`)].join('\n'));
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(current(sofar), undefined, 2)}\n`);
  });
  const result = current(outcomes);
  if (before !== undefined) say(changesSince(before, result));
  headlineLines(result).forEach(say);
  if (write) writeDocuments(result);
  return outcomes.every(({ failure }) => failure === undefined) ? 0 : 1;
};

/** Exit codes: 0 every row was measured, 1 some row failed, 2 a tool is missing. */
const run = async (choice: Choice, line: string): Promise<number> => {
  try {
    await ensureBenchTools();
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return 2;
  }
  return runAll(choice, line);
};

const read = (args: readonly string[]): Choice => {
  const choice = readArguments(args, rows);
  if (choice.compare !== undefined) readResult(choice.compare);
  return choice;
};

await runCommand({ name: 'npm run bench', usage: usageOf(rows), read, run });
