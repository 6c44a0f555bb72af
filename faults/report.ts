import type { DownlinkTally } from './downlink-judge.js';
import type { Outcome } from './row.js';

const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`;
const seconds = (ms: number | undefined): string => (ms === undefined ? '' : `${(ms / 1_000).toFixed(1)} s`);

const columns = ['fault', 'sent', 'accepted', 'delivered', 'parked', 'duplicates', 'lost', 'out of order', 'peak RssAnon', 'recovery', 'remarks'];
const downlinkColumns = ['fault', 'sent', 'one final state', 'failed', 'unfinished', 'taken twice', 'lost', 'out of order'];

const nameOf = ({ name, fault }: Outcome): string => `${fault} (\`${name}\`)`;

const cellsOf = (outcome: Outcome): readonly string[] => {
  const { sent, accepted, delivered, parked, duplicates, lost, outOfOrder, peakRssAnonBytes, recoveryMs, remarks, failures, known } = outcome;
  const notes = [...remarks, ...(known === undefined ? [] : [`known: ${known}`]), ...failures.map((failure) => `FAILED: ${failure}`)];
  return [nameOf(outcome), ...[sent, accepted, delivered, parked, duplicates, lost, outOfOrder].map(String), megabytes(peakRssAnonBytes), seconds(recoveryMs), notes.join('; ')];
};

const downlinkCells = (outcome: Outcome, { sent, final, failed, unfinished, twice, lost, outOfOrder }: DownlinkTally): readonly string[] =>
  [nameOf(outcome), ...[sent, final, failed, unfinished, twice, lost, outOfOrder].map(String)];

const tableLine = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

const linesOf = (head: readonly string[], body: readonly (readonly string[])[]): readonly string[] => [tableLine(head), tableLine(head.map(() => '---')), ...body.map(tableLine), ''];

/** The tables of `docs/reliability.md`, of uplinks and of downlinks where there were any, and the command that made them. */
export const tableOf = (outcomes: readonly Outcome[], command: string): string => {
  const downlinks = outcomes.flatMap((outcome) => (outcome.downlinks === undefined ? [] : [downlinkCells(outcome, outcome.downlinks)]));
  return [
    `Made by \`${command}\`, Node ${process.versions.node}.`, '',
    'Uplinks:', '', ...linesOf(columns, outcomes.map(cellsOf)),
    ...(downlinks.length === 0 ? [] : ['Downlinks that flowed beside them:', '', ...linesOf(downlinkColumns, downlinks)]),
  ].join('\n');
};

const downlinkFigures = (downlinks: DownlinkTally | undefined): string => {
  if (downlinks === undefined) return '';
  const { sent, final, failed, unfinished, twice, lost, outOfOrder } = downlinks;
  return `; downlinks: sent ${sent}, final ${final}, failed ${failed}, unfinished ${unfinished}, twice ${twice}, lost ${lost}, out of order ${outOfOrder}`;
};

/** One line a row, for whoever waits. */
export const lineOf = ({ name, passed, known, seconds: took, sent, accepted, delivered, parked, duplicates, lost, outOfOrder, peakRssAnonBytes, recoveryMs, remarks, failures, downlinks }: Outcome): string => {
  const figures = `sent ${sent}, accepted ${accepted}, delivered ${delivered}, parked ${parked}, duplicates ${duplicates}, lost ${lost}, out of order ${outOfOrder}, RssAnon ${megabytes(peakRssAnonBytes)}`;
  const recovery = recoveryMs === undefined ? '' : `, recovery ${seconds(recoveryMs)}`;
  const word = passed ? 'ok' : known === undefined ? 'FAILED' : `FAILED (known: ${known})`;
  return [`${word} ${name} (${took.toFixed(1)} s): ${figures}${recovery}${downlinkFigures(downlinks)}${remarks.map((remark) => `; ${remark}`).join('')}`, ...failures.map((failure) => `    ${failure}`)].join('\n');
};
