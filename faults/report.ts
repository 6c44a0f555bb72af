import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Outcome } from './row.js';

const begin = '<!-- faults: begin -->';
const end = '<!-- faults: end -->';

const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`;
const seconds = (ms: number | undefined): string => (ms === undefined ? '' : `${(ms / 1_000).toFixed(1)} s`);

const columns = ['fault', 'sent', 'accepted', 'delivered', 'parked', 'duplicates', 'lost', 'out of order', 'peak RssAnon', 'recovery', 'remarks'];

const cellsOf = (outcome: Outcome): readonly string[] => {
  const { name, fault, sent, accepted, delivered, parked, duplicates, lost, outOfOrder, peakRssAnonBytes, recoveryMs, remarks, failures, known } = outcome;
  const notes = [...remarks, ...(known === undefined ? [] : [`known: ${known}`]), ...failures.map((failure) => `FAILED: ${failure}`)];
  return [`${fault} (\`${name}\`)`, ...[sent, accepted, delivered, parked, duplicates, lost, outOfOrder].map(String), megabytes(peakRssAnonBytes), seconds(recoveryMs), notes.join('; ')];
};

const tableLine = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

/** The table of `docs/reliability.md`, and the command that made it. */
export const tableOf = (outcomes: readonly Outcome[], command: string): string =>
  [`Made by \`${command}\`, Node ${process.versions.node}.`, '', tableLine(columns), tableLine(columns.map(() => '---')), ...outcomes.map((outcome) => tableLine(cellsOf(outcome))), ''].join('\n');

/** Puts the table between the markers of a page; a page that is not there is begun. @throws Error when it has no markers */
export const writeTable = (file: string, table: string): void => {
  const page = existsSync(file) ? readFileSync(file, 'utf8') : `# Reliability\n\n${begin}\n${end}\n`;
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${file} has no ${begin} before ${end}`);
  writeFileSync(file, `${page.slice(0, from + begin.length)}\n${table}${page.slice(to)}`);
};

/** One line a row, for whoever waits. */
export const lineOf = ({ name, passed, known, seconds: took, sent, accepted, delivered, parked, duplicates, lost, outOfOrder, peakRssAnonBytes, recoveryMs, remarks, failures }: Outcome): string => {
  const figures = `sent ${sent}, accepted ${accepted}, delivered ${delivered}, parked ${parked}, duplicates ${duplicates}, lost ${lost}, out of order ${outOfOrder}, RssAnon ${megabytes(peakRssAnonBytes)}`;
  const recovery = recoveryMs === undefined ? '' : `, recovery ${seconds(recoveryMs)}`;
  const word = passed ? 'ok' : known === undefined ? 'FAILED' : `FAILED (known: ${known})`;
  return [`${word} ${name} (${took.toFixed(1)} s): ${figures}${recovery}${remarks.map((remark) => `; ${remark}`).join('')}`, ...failures.map((failure) => `    ${failure}`)].join('\n');
};
