import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Measured } from '../types.js';
import { columns } from './figures.js';
import type { Result } from './result.js';

const begin = '<!-- bench:begin -->';
const end = '<!-- bench:end -->';

const tableLine = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

const table = (head: readonly string[], body: readonly (readonly string[])[]): readonly string[] => [tableLine(head), tableLine(head.map(() => '---')), ...body.map(tableLine), ''];

/** The lines of all rows with the same heading stand in one table. */
interface Section {
  readonly what: string;
  readonly measured: readonly Measured[];
  readonly failures: readonly string[];
}

const sectionsOf = ({ rows }: Pick<Result, 'rows'>): readonly Section[] =>
  [...new Set(rows.map(({ what }) => what))].map((what) => {
    const here = rows.filter((row) => row.what === what);
    return { what, measured: here.flatMap(({ measured }) => measured), failures: here.flatMap(({ name, failure }) => (failure === undefined ? [] : [`\`${name}\` FAILED: ${failure}`])) };
  });

const sectionLines = ({ what, measured, failures }: Section): readonly string[] => {
  const used = columns.filter(({ cell }) => measured.some((one) => cell(one) !== ''));
  const tables = measured.length === 0 ? [] : table(['', ...used.map(({ title }) => title)], measured.map((one) => [one.name, ...used.map(({ cell }) => cell(one))]));
  return [`### ${what}`, '', ...tables, ...failures.flatMap((failure) => [failure, ''])];
};

const listed = (entries: Readonly<Record<string, string>>): string => Object.entries(entries).map(([name, value]) => `${name} ${value}`).join(', ');

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

/** What the columns mean, and what stands behind the figures. */
const notes = [
  '- **a second**: what was answered 2xx and had left for the broker when the load ended; what still waited then is not counted. Full speed is 64 HTTP connections that post without a pause.',
  '- **ratio**: the median of the ratios of the rounds, each measured in turn in windows of a second or two: (a), the bridge, (b), the bridge, and so on; that of a backlog is of medians. (b) to (e) are measured beside the headline only, but (b) and (e) at 1,000/s too, and (c) beside the backlog.',
  '- **CPU, bytes written, read and write calls**: of the process that is measured, all threads, from the first request until nothing waits in it, by /proc. Broker, Redis and load generator are not in it. Bytes written are those that the kernel counts, which for a small write is the whole piece of the page cache that it falls into: by hand, writes of 4 KB to a file as long as the journal counted 750 KB each, and 4.9 KB reached the disk.',
  '- **webhook → 2xx**: at a fixed rate of 1,000/s where nothing else is said, from the moment a request was due, so that no slow answer hides those behind it. **webhook → broker**: from the moment it was sent to its arrival at a subscriber.',
  '- **load generator**: cores that it used. Above 0.9 the target may be faster than the figure. **Broker and Redis**: their processes, counted in the same way and time as that of the bridge.',
] as const;

/** What stands between the markers. `plot` is the file of the plot beside the page. */
export const pageOf = (result: Result, plot: string | undefined): string => {
  const { made, command, machine, versions, extent, targets } = result;
  return [
    `Made by \`${command}\` on ${made.slice(0, 10)}: medians of ${counted(extent.rounds, 'round')} of ${extent.seconds} s.`, '',
    `Machine: ${listed(machine)}. Versions: ${listed(versions)}. Broker and load generator share the cores with what is measured.`, '',
    '### Targets', '',
    ...table(['what', 'first goal', 'stretch', 'seen', 'met'], targets.map((target) => [target.what, target.first, target.stretch, target.seen, target.met])),
    ...notes, '',
    ...(plot === undefined ? [] : [`![Latency over the load](${plot})`, '']),
    ...sectionsOf(result).flatMap(sectionLines),
  ].join('\n');
};

/** Puts it between the markers of a page; a page without them gets them at its end. @throws Error when they stand in the wrong order */
export const writePage = (file: string, text: string): void => {
  const old = existsSync(file) ? readFileSync(file, 'utf8') : '# Performance\n';
  const page = old.includes(begin) ? old : `${old.trimEnd()}\n\n## Benchmark\n\n${begin}\n${end}\n`;
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (to < from) throw new Error(`${file} has no ${end} behind ${begin}`);
  writeFileSync(file, `${page.slice(0, from + begin.length)}\n${text}${page.slice(to)}`);
};
