import { check, defaultReportMessage, property, type Arbitrary, type RunDetails } from 'fast-check';
import type { Test } from 'tap';
import { BridgeError, reasons } from '../../src/errors.js';

const numberFrom = (name: string, otherwise: number): number => {
  const text = process.env[name];
  if (text === undefined || text === '') return otherwise;
  const number = Number(text);
  if (!Number.isInteger(number)) throw new Error(`${name} must be a whole number`);
  return number;
};

/** The same inputs in every run, unless `FUZZ_SEED` says otherwise. */
export const fuzzSeed = numberFrom('FUZZ_SEED', 20_261_121);

/** How many inputs a property gets: `FUZZ_RUNS` in place of what the test says. */
export const fuzzRuns = (usual: number): number => numberFrom('FUZZ_RUNS', usual);

/** CPU time that one input may cost, ms. Ordinary inputs take less than one: what comes near it has no bound at all. */
const mostCpuMs = 3_000;

/** What a failed property says of the whole run. */
const maxReport = 4_000;

const bounded = (run: () => void): void => {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1_000;
  if (ms > mostCpuMs) throw new Error(`one input took ${Math.round(ms)} ms of CPU time`);
};

export interface FuzzOptions<T> {
  readonly input: Arbitrary<T>;
  /** Throws where the input shows a fault. */
  readonly holds: (input: T) => void;
  readonly runs: number;
}

const report = <T>(details: RunDetails<[T]>): string => {
  const { errorInstance: error } = details;
  return `${error instanceof Error ? (error.stack ?? error.message).slice(0, maxReport) : String(error)}\n${(defaultReportMessage(details) ?? '').slice(0, maxReport)}`;
};

/** Tries a property with many inputs; a failure tells the smallest input found and the seed. Nobody's prototype may have changed after it. */
export const fuzzOf = <T>(t: Test, name: string, { input, holds, runs }: FuzzOptions<T>): void => {
  const details = check(property(input, (one) => bounded(() => holds(one))), { seed: fuzzSeed, numRuns: fuzzRuns(runs), endOnFailure: false });
  t.comment(`${name}: ${details.numRuns} inputs, FUZZ_SEED=${details.seed}`);
  t.notOk(details.failed, details.failed ? report(details) : name);
  t.strictSame(Object.keys(Object.prototype), [], 'Object.prototype is as it was');
};

/** Longest text of an error, characters: it goes into an answer, a log line and an event, so it must not grow with the input. */
const longestMessage = 2_000;

/** What a function gives, or the BridgeError that it threw. @throws whatever else it threw, internal errors too */
export const resultOrRefusal = <T>(run: () => T): { readonly value: T } | { readonly refusal: BridgeError } => {
  try {
    return { value: run() };
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    checkRefusal(error);
    return { refusal: error };
  }
};

/** @throws unless the error is the sender's fault, is in the table, and has a short text */
export const checkRefusal = (error: BridgeError): void => {
  if (error.reason === 'internal_error' || !Object.hasOwn(reasons, error.reason)) throw new Error(`reason ${error.reason}`, { cause: error });
  if (error.message.length > longestMessage) throw new Error(`an error text of ${error.message.length} characters: ${error.message.slice(0, 80)}`);
};
