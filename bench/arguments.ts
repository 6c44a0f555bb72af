import { parseArgs } from 'node:util';
import type { Row } from './row.js';
import type { Extent } from './scene.js';

export interface Choice {
  readonly chosen: readonly Row[];
  readonly extent: Extent;
  /** Files that are written, and read. */
  readonly json: string | undefined;
  readonly compare: string | undefined;
  readonly write: boolean;
}

const mostSeconds = 120;
const mostRounds = 50;
const mostMinutes = 120;

const usual = { full: { seconds: 5, rounds: 3 }, quick: { seconds: 2, rounds: 2 } } as const;
/** What the target asks for. */
const usualQuotaMinutes = 10;

/** @throws Error whose message names the option */
const numberOf = (option: string, text: string | undefined, { most, usual: absent }: { readonly most: number; readonly usual: number }): number => {
  if (text === undefined) return absent;
  const value = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > most) throw new Error(`--${option}: ${text} is not a number from 1 to ${most}`);
  return value;
};

const options = {
  quick: { type: 'boolean', default: false },
  only: { type: 'string', multiple: true },
  json: { type: 'string' },
  compare: { type: 'string' },
  write: { type: 'boolean', default: false },
  seconds: { type: 'string' },
  rounds: { type: 'string' },
  'quota-minutes': { type: 'string' },
} as const;

export const usageOf = (rows: readonly Row[]): string =>
  `npm run bench -- [--quick] [--only NAME]... [--seconds N] [--rounds N] [--quota-minutes N] [--json FILE] [--compare FILE] [--write]\nrows: ${rows.map(({ name }) => name).join(', ')}\n`;

/** @throws Error whose message names the wrong argument */
export const readArguments = (args: readonly string[], rows: readonly Row[]): Choice => {
  const { values } = parseArgs({ args: [...args], options });
  const { quick, only, json, compare, write } = values;
  const unknown = only?.find((name) => !rows.some((row) => row.name === name));
  if (unknown !== undefined) throw new Error(`--only: ${unknown} is no row`);
  if (write && (only !== undefined || quick)) throw new Error('--write: the page holds every row in full, so neither --only nor --quick goes with it');
  const form = quick ? 'quick' : 'full';
  const extent = {
    form,
    seconds: numberOf('seconds', values.seconds, { most: mostSeconds, usual: usual[form].seconds }),
    rounds: numberOf('rounds', values.rounds, { most: mostRounds, usual: usual[form].rounds }),
    quotaMinutes: numberOf('quota-minutes', values['quota-minutes'], { most: mostMinutes, usual: usualQuotaMinutes }),
  } as const;
  const isChosen = (row: Row): boolean => only?.includes(row.name) ?? (!quick || row.quick === true);
  return { chosen: rows.filter(isChosen), extent, json, compare, write };
};
