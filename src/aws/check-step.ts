import type { CheckStep } from '../api/ports.js';
import { BridgeError, messageOf } from '../errors.js';

/** What a failure means for its step. */
export type Judged = Pick<CheckStep, 'missing'> & { readonly result?: 'failed' | 'skipped' };

/** Runs a step; what it gives is its detail. Never throws. */
export const runStep = async (step: string, work: () => Promise<string | undefined>, judge: (error: unknown) => Judged): Promise<CheckStep> => {
  const begun = performance.now();
  const durationMs = (): number => Math.round(performance.now() - begun);
  try {
    const detail = await work();
    return { step, result: 'ok', durationMs: durationMs(), ...(detail === undefined ? {} : { detail }) };
  } catch (error) {
    const reason = error instanceof BridgeError ? error.reason : 'internal_error';
    return { step, result: 'failed', durationMs: durationMs(), reason, detail: messageOf(error), ...judge(error) };
  }
};

export const skippedStep = (step: string, detail: string): CheckStep => ({ step, result: 'skipped', durationMs: 0, detail });
