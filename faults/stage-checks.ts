import type { Test } from 'tap';
import { comesTrue } from '../test/support/until.js';

/** What a row found wrong, and what it measured. */
export interface Checks {
  readonly failures: readonly string[];
  readonly remarks: readonly string[];
  /** Notes a failure unless it is so. */
  readonly check: (isSo: boolean, failure: string) => void;
  /** Waits for it; notes a failure when it is not so in time. */
  readonly eventually: (what: string, isSo: () => boolean | Promise<boolean>, boundMs?: number) => Promise<boolean>;
  /** A figure for the report. */
  readonly remark: (text: string) => void;
  /** For the checks of the tests. */
  readonly asTest: Pick<Test, 'ok' | 'equal'>;
}

const textOf = ([text]: readonly unknown[]): string => (typeof text === 'string' ? text : 'no text');

export const createChecks = (): Checks => {
  const failures: string[] = [];
  const remarks: string[] = [];
  const note = (isSo: boolean, failure: string): boolean => {
    if (!isSo) failures.push(failure);
    return isSo;
  };
  return {
    failures,
    remarks,
    check: (isSo, failure) => void note(isSo, failure),
    eventually: async (what, isSo, boundMs = 20_000) => note(await comesTrue(isSo, boundMs), `not in ${boundMs} ms: ${what}`),
    remark: (text) => void remarks.push(text),
    asTest: {
      ok: (isSo, ...about) => note(Boolean(isSo), textOf(about)),
      equal: <T>(one: unknown, other: T, ...about: readonly unknown[]): one is T => note(one === other, `${textOf(about)}: ${String(one)} is not ${String(other)}`),
    },
  };
};
