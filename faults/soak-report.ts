import type { Happened } from './soak-load.js';
import type { Trend } from './soak-samples.js';
import type { Tally } from './stage.js';

/** What came out of a mixed load. */
export interface SoakOutcome {
  readonly minutes: number;
  readonly command: string;
  readonly tally: Tally;
  readonly happened: Happened;
  readonly rssAnonBytes: Trend;
  readonly heapBytes: Trend;
  readonly descriptors: Trend;
  readonly resources: Trend;
  readonly failures: readonly string[];
}

const megabytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1);
const line = (name: string, { first, last, mean, highest, perHour }: Trend, text: (value: number) => string): string => `| ${[name, ...[first, last, mean, highest, perHour].map(text)].join(' | ')} |`;
const whole = (value: number): string => value.toFixed(1);

/** For `docs/reliability.md`. */
export const soakText = ({ minutes, command, tally, happened, rssAnonBytes, heapBytes, descriptors, resources, failures }: SoakOutcome): string =>
  [
    `Made by \`${command}\`, Node ${process.versions.node}: ${minutes} minutes of ${tally.accepted} accepted uplinks and ${tally.downlinks?.sent ?? 0} downlinks with their statuses; all connections to AWS cut ${happened.cuts} times, the connection replaced through the API ${happened.replacements} times, ${happened.parked} messages parked and ${happened.replayed} replayed.`,
    `Uplinks lost ${tally.lost}, out of order ${tally.outOfOrder}, delivered twice ${tally.duplicates} (in flight when a connection was cut). Downlinks lost ${tally.downlinks?.lost ?? 0}, out of order ${tally.downlinks?.outOfOrder ?? 0}, submitted twice ${tally.downlinks?.twice ?? 0}. ${failures.length === 0 ? 'Nothing failed.' : `FAILED: ${failures.join('; ')}`}`,
    '',
    '| over the last two thirds | first | last | mean | highest | slope an hour |',
    '| --- | --- | --- | --- | --- | --- |',
    line('RssAnon, MB', rssAnonBytes, megabytes),
    line('JavaScript heap in use, MB', heapBytes, megabytes),
    line('open file descriptors, callers not counted', descriptors, whole),
    line('active resources of Node, callers not counted', resources, whole),
    '',
  ].join('\n');
