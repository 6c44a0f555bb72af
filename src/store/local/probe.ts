import { parseArgs } from 'node:util';
import { answerTo } from './probe-report.js';
import type { ProbedKind } from './run-probe.js';

/**
 * Entry of the child process that reads whole stores before the bridge does: LMDB maps the file and follows what it
 * finds there, so a damaged one may end the process with SIGBUS or SIGSEGV, which only a process of its own survives.
 * `probe.js [--records=RECORDS] KIND FOLDER [KIND FOLDER]…` writes one JSON array to stdout, an answer for each folder.
 */

/** Records of an outbox that a thread reads at a time. */
const usualPiece = '20000';

const { values, positionals } = parseArgs({ options: { records: { type: 'string', default: usualPiece } }, allowPositionals: true });

const report: Readonly<Record<ProbedKind, (path: string) => Promise<object>>> = {
  outbox: async (path) => (await import('./probe-outbox.js')).reportOutbox(path, Number(values.records)),
  resources: async (path) => (await import('./resources/probe-resources.js')).reportResources(path),
  downlinks: async (path) => (await import('./downlinks/probe-downlinks.js')).reportDownlinks(path),
};

const kinds = positionals.filter((_, index) => index % 2 === 0) as ProbedKind[];
const answers = kinds.map((kind, index) => answerTo(() => report[kind](positionals[2 * index + 1] ?? '')));
process.stdout.write(JSON.stringify(await Promise.all(answers)));
